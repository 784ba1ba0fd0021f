import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Dialect } from '@openlegion/contract/catalog';
import { startInstallation, type TestInstallation } from './harness/installation.ts';
import { ensurePeerImage } from './harness/peer-image.ts';
import { startWireProvider, type WireProvider } from './harness/wire-provider.ts';

/*
 * Public agent programs as npm has them, in the place of our loop, in a container without a network: each calls a
 * model on the wire that it was made for, runs a command because the model says so, is charged, and reaches nothing.
 */

const COMMAND =
  'id -u; curl -sS -m 5 http://192.0.2.1/; curl -sS -m 5 --noproxy "*" http://192.0.2.1/; echo "[$LD_LIBRARY_PATH $OF_THE_IMAGE $(cat /home/someone/file) $(ls -A /data)]"; test -u /usr/local/bin/setuid-shell || echo no setuid';

interface Peer {
  name: string;
  dialect: Dialect;
  /** Where the wire shows. */
  path: string;
  runtime: object;
  /** As the program calls its shell, and what it takes. */
  tool: string;
  argument: string;
}

const PEERS: readonly Peer[] = [
  {
    name: 'claude-code',
    dialect: 'anthropic',
    path: '/v1/messages',
    runtime: {
      command: ['claude', '-p', '--dangerously-skip-permissions'],
      env: { CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS: '1', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' },
    },
    tool: 'Bash',
    argument: 'command',
  },
  {
    name: 'codex',
    dialect: 'openai-responses',
    path: '/v1/responses',
    runtime: {
      command: [
        ...['codex', 'exec', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox'],
        ...['--model', 'agent', '--disable', 'multi_agent', '-c', 'web_search="disabled"'],
        ...['-c', 'model_provider=openlegion', '-c', 'model_providers.openlegion.name=OpenLegion'],
        ...['-c', 'model_providers.openlegion.base_url=http://127.0.0.1:8400/v1'],
        ...['-c', 'model_providers.openlegion.wire_api=responses', '-'],
      ],
    },
    tool: 'exec_command',
    argument: 'cmd',
  },
  {
    name: 'opencode',
    dialect: 'openai-chat',
    path: '/v1/chat/completions',
    runtime: {
      command: ['opencode', 'acp'],
      protocol: 'acp',
      env: {
        OPENCODE_DISABLE_MODELS_FETCH: '1',
        OPENCODE_DISABLE_AUTOUPDATE: '1',
        OPENCODE_CONFIG_CONTENT: JSON.stringify({
          model: 'openlegion/agent',
          provider: {
            openlegion: {
              npm: '@ai-sdk/openai-compatible',
              options: { baseURL: 'http://127.0.0.1:8400/v1', apiKey: 'none' },
              models: { agent: {} },
            },
          },
          permission: { bash: 'ask' },
        }),
      },
    },
    tool: 'bash',
    argument: 'command',
  },
  {
    name: 'pi',
    dialect: 'openai-chat',
    path: '/v1/chat/completions',
    runtime: {
      command: [
        'sh',
        '-c',
        'mkdir -p ~/.pi/agent && cp /opt/agents/models.json ~/.pi/agent && exec pi -p --offline --no-session --provider openlegion --model agent',
      ],
    },
    tool: 'bash',
    argument: 'command',
  },
];

const SCRIPT = `
rules:
${PEERS.map(
  ({ tool }) => `  - when: { tool: ${tool} }
    answer: { text: 'It printed: {{result}}' }
`,
).join('')}
${PEERS.map(
  ({ name, tool, argument }) => `  - when: { user: 'look around as ${name}', round: 0 }
    answer: { calls: [{ tool: ${tool}, arguments: { ${argument}: '${COMMAND}', description: look } }] }
`,
).join('')}
otherwise: { text: 'Hello there.' }
`;

describe('public agent programs of npm in the place of our loop', { timeout: 300_000 }, () => {
  let installation: TestInstallation;
  let provider: WireProvider;

  before(async () => {
    const image = await ensurePeerImage('agents');
    provider = await startWireProvider(SCRIPT);
    installation = await startInstallation({
      agents: `agents:\n${PEERS.map(
        ({ name, dialect, runtime }) =>
          `  ${name}: { model: own-${dialect}/m, resources: { cpu_limit: 2, memory_limit: 1g }, runtime: ${JSON.stringify({ image, ...runtime })} }\n`,
      ).join('')}`,
      mesh: `llm:\n  default_model: scripted/none\n  providers:\n${provider.configure(['anthropic', 'openai-chat', 'openai-responses'])}`,
      permissions: { permissions: { default: { allowed_apis: ['llm'], allowed_tools: { '*': 'allow' } } } },
      scripts: {},
    });
  });
  after(async () => {
    await installation?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
  });

  for (const { name, path } of PEERS) {
    test(`${name} answers, runs a command, is charged and cannot reach out`, async () => {
      provider.calls.length = 0;
      const hello = await installation.control.ask(name, 'hello, this is the first message');
      const log = () => `${JSON.stringify(hello.view.refusal)} ${installation.log('host').slice(-300)}`;
      assert.equal(hello.view.status, 'done', log());
      assert.match(hello.view.reply ?? '', /Hello there\./);
      assert.ok(hello.view.chargedMicroUsd > 0);
      assert.ok(
        provider.calls.some((url) => url.startsWith(path)),
        provider.calls.join(),
      );

      const { view } = await installation.control.ask(name, `look around as ${name}`);
      const reply = view.reply ?? JSON.stringify(view);
      assert.match(reply, /1000\s/);
      assert.match(reply, new RegExp(`permissions\\.${name}\\.allowed_domains`));
      assert.match(reply, /Failed to connect to 192\.0\.2\.1/);
      // Of the image: its variables are the program's, its files can be read, its /data is not there.
      assert.match(reply, /\[\/of\/the\/image kept private [^\]]*agent\.db/);
      assert.doesNotMatch(reply, /of-the-image/);
      assert.match(reply, /no setuid/);
      assert.ok(view.chargedMicroUsd > 0);
    });
  }
});
