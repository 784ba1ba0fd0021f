import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startInstallation, type TestInstallation } from './harness/installation.ts';
import { ensurePeerImage } from './harness/peer-image.ts';
import { startWireProvider, type WireProvider } from './harness/wire-provider.ts';

/*
 * Agents made with the frameworks of PyPI, in an image with nothing of ours, one in each way to be asked: they call a
 * model and a tool, are charged, and reach nothing.
 */

const AGENTS = {
  crewai: { file: 'crewai_agent.py', protocol: 'stdin' },
  autogen: { file: 'autogen_agent.py', protocol: 'stdin' },
  langgraph: { file: 'langgraph_agent.py', protocol: 'openai' },
} as const;
/** Without them CrewAI looks for a server to report to before its end. */
const QUIET = { CREWAI_DISABLE_TELEMETRY: 'true', OTEL_SDK_DISABLED: 'true' };

const SCRIPT = `
rules:
  - when: { tool: reach_out }
    answer: { text: 'It came to: {{result}}' }
  - when: { user: what was my first word }
    answer: { text: 'The conversation: {{user}} {{system}}' }
  - when: { user: reach out, round: 0 }
    answer: { calls: [{ tool: reach_out, arguments: { host: 192.0.2.1 } }] }
otherwise: { text: 'Hello there.' }
`;

describe('agents of Python frameworks in the place of our loop', { timeout: 300_000 }, () => {
  let installation: TestInstallation;
  let provider: WireProvider;

  before(async () => {
    const image = await ensurePeerImage('python');
    provider = await startWireProvider(SCRIPT);
    const lines = Object.entries(AGENTS).map(([name, { file, protocol }]) => {
      const runtime = { image, command: ['python3', `/opt/peers/${file}`], protocol, env: QUIET };
      return `  ${name}: { model: own-openai-chat/m, system_prompt: Be kind., resources: { cpu_limit: 2, memory_limit: 1g }, runtime: ${JSON.stringify(runtime)} }\n`;
    });
    installation = await startInstallation({
      agents: `agents:\n${lines.join('')}`,
      mesh: `llm:\n  default_model: scripted/none\n  providers:\n${provider.configure(['openai-chat'])}`,
      permissions: { permissions: { default: { allowed_apis: ['llm'], allowed_tools: { '*': 'allow' } } } },
      scripts: {},
    });
  });
  after(async () => {
    await installation?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
  });

  for (const [name, { file }] of Object.entries(AGENTS)) {
    test(`${name} answers, calls a tool, is charged and cannot reach out`, async () => {
      const hello = await installation.control.ask(name, 'first');
      assert.equal(hello.view.status, 'done', JSON.stringify(hello.view));
      assert.match(hello.view.reply ?? '', /^Hello there\.\s*$/);
      assert.ok(hello.view.chargedMicroUsd > 0);

      const { view, events } = await installation.control.ask(name, 'reach out');
      const reply = view.reply ?? JSON.stringify(view);
      assert.match(
        reply,
        new RegExp(`through the proxy refused 403: .*permissions\\.${name}\\.allowed_domains`),
      );
      assert.match(reply, /past it failed: .*unreachable/);
      assert.ok(view.chargedMicroUsd > 0);

      if (file === 'autogen_agent.py') {
        const told = events.flatMap(({ event }) => (event.type === 'turn' ? [event.turn] : []));
        const ended = told.find((event) => event.type === 'tool_ended');
        assert.deepEqual([ended?.tool, ended?.outcome], ['reach_out', 'ok']);
      }
      const third = await installation.control.ask(name, 'what was my first word');
      assert.match(third.view.reply ?? '', /first[\s\S]*Hello there|Be kind/);
    });
  }
});
