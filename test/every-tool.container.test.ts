import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { FleetEvent } from '@openlegion/contract/control-api';
import { captureVaultAdmin } from '../packages/cli/src/vault-admin/run-vault-admin.ts';
import { AGENT_TOOLS } from '../packages/host/src/fleet/agent-tools.ts';
import { startInstallation, type TestInstallation } from './harness/installation.ts';
import { type Outside, startOutside } from './harness/outside.ts';

/*
 * One task in which an agent calls every tool that it has, in a container, each with an effect that the next ones
 * find. Those of the browser are tried with a site of their own (browser.container.test.ts).
 */

const SITE = 'https://page.example.test';
const MODULE = [
  "import { defineTool, z } from 'openlegion/skill';",
  "export const shout = defineTool({ name: 'shout', description: 'Says it loudly.',",
  '  schema: z.object({ text: z.string() }), run: async ({ text }) => text.toUpperCase() });',
].join('\n');
const PACK = '---\nname: reports\ndescription: How reports are written.\n---\nBe brief.\n';

type Calls = Record<string, object>;
/** Those of one round are called at once; a later round finds what the earlier ones did. */
const ROUNDS: readonly [Calls, Calls, Calls, Calls] = [
  {
    exec: { command: 'echo from the shell' },
    write_file: { path: 'a.txt', content: 'one\ntwo\n' },
    list_files: {},
    list_agents: {},
    hand_off: { to: 'helper', task: 'say something' },
    write_shared_state: { key: 'notes/a', value: { n: 1 } },
    publish_event: { topic: 'news', payload: 'x' },
    subscribe_event: { topic: 'news' },
    http_request: { url: `${SITE}/api` },
    web_search: { query: 'open legion' },
    web_fetch: { url: `${SITE}/page` },
  },
  {
    vault_list: {},
    vault_status: { name: 'api' },
    vault_generate_secret: { name: 'key', hosts: ['page.example.test'] },
    vault_capture_from_page: {
      name: 'seen',
      hosts: ['page.example.test'],
      url: `${SITE}/page`,
      selector: '#key',
    },
    introspect: {},
    request_host: { host: 'api.example.test' },
    notify_user: { text: 'it goes on' },
    read_agent_history: { agent: 'helper' },
    memory_save: { text: 'The user likes tea.', category: 'preference' },
    update_workspace: { file: 'MEMORY.md', content: 'tea' },
    create_skill: { name: 'shout', code: MODULE },
    spawn_subagent: { task: 'say something' },
    spawn_agent: { role: 'r', instructions: '', task: 'say something', lifetimeSeconds: 60 },
    check_inbox: {},
  },
  {
    read_file: { path: 'a.txt' },
    search_files: { pattern: 'two' },
    read_shared_state: { key: 'notes/a' },
    list_shared_state: {},
    save_artifact: { path: 'a.txt' },
    memory_search: { query: 'tea' },
    memory_recall: { category: 'preference' },
    list_subagents: {},
    list_custom_skills: {},
    reload_skills: {},
    read_skill: { name: 'reports' },
    update_status: { taskId: '{{1}}', status: 'blocked', note: 'half of it' },
  },
  {
    edit_file: { path: 'a.txt', old_text: 'two', new_text: 'three' },
    read_artifact: { key: 'artifacts/worker/a.txt', path: 'copy.txt' },
    shout: { text: 'done' },
    complete_task: { taskId: '{{1}}', result: { all: true } },
  },
];
const callsOf = (calls: Calls) => Object.entries(calls).map(([tool, input]) => ({ tool, arguments: input }));
const asked = 'call everything';
const task = '/(msg_[0-9a-z]+)/';
/** A result that comes back quotes what was asked for, and is not asked for again. */
const returned = { when: { user: 'which you handed to' }, answer: { text: 'ok' } };
const WORKER = {
  rules: [
    returned,
    { when: { user: asked, round: 0 }, answer: { calls: callsOf(ROUNDS[0]) } },
    { when: { asked, round: 1 }, answer: { calls: callsOf(ROUNDS[1]) } },
    { when: { asked, round: 2, tool: 'check_inbox', result: task }, answer: { calls: callsOf(ROUNDS[2]) } },
    { when: { asked, round: 3, tool: 'update_status', result: task }, answer: { calls: callsOf(ROUNDS[3]) } },
  ],
  otherwise: { text: 'ok' },
};
const LEAD = {
  rules: [
    returned,
    {
      when: { user: '/^go$/', round: 0 },
      answer: { calls: [{ tool: 'hand_off', arguments: { to: 'worker', task: 'call everything' } }] },
    },
  ],
  otherwise: { text: 'ok' },
};

describe('a task that calls every tool once', { timeout: 300_000 }, () => {
  let installation: TestInstallation;
  let outside: Outside;

  before(async () => {
    outside = await startOutside(({ url = '', headers: { host } }, response) => {
      response.setHeader('content-type', url === '/api' ? 'application/json' : 'text/html');
      if (host === 'html.duckduckgo.com')
        response.end(
          '<div class="result"><a class="result__a" href="//duckduckgo.com/l/?uddg=https%3A%2F%2Ffound.example%2F">Found</a></div>',
        );
      else
        response.end(
          url === '/api'
            ? '{"ok":true}'
            : '<h1>Title</h1><p>text</p><code id="key">key-of-the-page-123456</code>',
        );
    });
    const every = { allowed_tools: { '*': 'allow' }, allowed_apis: ['llm'] };
    const fast = 'resources: { cpu_limit: 2 }';
    installation = await startInstallation({
      agents: [
        'agents:',
        `  lead: { model: scripted/lead, ${fast} }`,
        `  worker: { model: scripted/worker, skills_dir: ./skills/worker, ${fast} }`,
        `  helper: { model: scripted/lead, ${fast} }`,
        '',
      ].join('\n'),
      mesh: outside.meshYaml(['page.example.test', 'html.duckduckgo.com']),
      permissions: {
        permissions: {
          lead: { ...every, can_message: ['worker'] },
          worker: {
            ...every,
            allowed_apis: ['llm', 'vault', 'web_search', 'agent_history'],
            allowed_domains: ['page.example.test'],
            allowed_credentials: ['api'],
            can_message: ['helper'],
            can_publish: ['news'],
            can_subscribe: ['news'],
            can_spawn: true,
            blackboard_read: ['**'],
            blackboard_write: ['notes/*', 'artifacts/worker/*'],
          },
          helper: every,
        },
      },
      scripts: { worker: JSON.stringify(WORKER), lead: JSON.stringify(LEAD) },
    });
    const skills = join(installation.home, 'skills/worker/reports');
    mkdirSync(skills, { recursive: true });
    writeFileSync(join(skills, 'SKILL.md'), PACK);
    const place = ['--host', 'page.example.test', '--scheme', 'bearer', '--allow', 'GET /**'];
    const added = await captureVaultAdmin(
      ['add', 'api', ...place, '--run', installation.run],
      'token-0123456789abcdef',
    );
    assert.equal(added.code, 0, added.stderr);
  });
  after(async () => {
    await installation?.[Symbol.asyncDispose]();
    outside?.[Symbol.dispose]();
  });

  test('each does what it says, and what one did another finds', async () => {
    const wanted = ROUNDS.flatMap((round) => Object.keys(round));
    const known = AGENT_TOOLS.filter((tool) => !tool.startsWith('browser_'));
    assert.deepEqual(
      [...wanted].sort(),
      [...known, 'shout'].sort(),
      'a tool is missing from this test, or gone',
    );

    const { control } = installation;
    const { messageId } = await control.send('lead', 'go');
    const events: FleetEvent[] = [];
    for await (const told of control.events(messageId)) {
      events.push(told);
      if (told.event.type !== 'approval_asked') continue;
      // request_host waits for a person.
      const { id, hash } = told.event;
      const answered = await control.call('POST', `/api/approvals/${id}/answer`, { approve: true, hash });
      assert.equal(answered.status, 200, answered.text);
    }
    const ended = new Map<string, { outcome: string; preview: string }>();
    for (const { agent, event } of events)
      if (agent === 'worker' && event.type === 'turn' && event.turn.type === 'tool_ended')
        ended.set(event.turn.tool, event.turn);
    const problems = wanted.filter((tool) => ended.get(tool)?.outcome !== 'ok');
    assert.deepEqual(
      problems.map((tool) => [tool, ended.get(tool)?.outcome, ended.get(tool)?.preview.slice(0, 300)]),
      [],
    );
    const said = (tool: string) => ended.get(tool)?.preview ?? '';
    assert.match(said('exec'), /from the shell/);
    assert.match(said('read_file'), /one\ntwo/);
    assert.match(said('search_files'), /a\.txt:2:two/);
    assert.match(said('read_shared_state'), /"n": ?1/);
    assert.match(said('web_fetch'), /Title/);
    assert.match(said('web_search'), /found\.example/);
    assert.match(said('memory_search'), /likes tea/);
    assert.match(said('read_skill'), /Be brief/);
    assert.match(said('list_custom_skills'), /shout/);
    assert.match(said('shout'), /DONE/);
    const results = events.filter(
      ({ event }) => event.type === 'message_accepted' && event.from === 'worker',
    );
    assert.ok(results.some(({ agent, event }) => agent === 'lead' && JSON.stringify(event).includes('all')));
  });
});
