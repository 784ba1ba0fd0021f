import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ClientHttp2Session } from 'node:http2';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { ApprovalList } from '@openlegion/contract/control-approvals';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import { PermissionsConfig } from '@openlegion/contract/permissions-config';
import type { MeshClient } from '../packages/agent/src/pipe/pipe.ts';
import { runTool } from '../packages/agent/src/testing/run-tool.ts';
import { defineTools } from '../packages/agent/src/tools/define-tools.ts';
import { createOutputFiles } from '../packages/agent/src/tools/output-files.ts';
import { settingsOf } from '../packages/host/src/config/load-config.ts';
import { AGENT_TOOLS } from '../packages/host/src/fleet/agent-tools.ts';
import { askMesh } from '../packages/host/src/mesh/test/ask-mesh.ts';
import { toolEnforcement } from '../packages/host/src/permissions/enforcement.ts';
import { type Fixture, startFixture } from '../packages/host/src/test/host-fixture.ts';

/** One call of each tool that asks the mesh for its effect. */
const CALLS: Readonly<Record<string, object>> = {
  hand_off: { to: 'bob', task: 'x' },
  list_agents: {},
  write_shared_state: { key: 'context/x', value: { n: 1 }, ttlMs: 60_000 },
  read_shared_state: { key: 'context/x' },
  list_shared_state: { prefix: 'context/' },
  publish_event: { topic: 'news', payload: 'x' },
  subscribe_event: { topic: 'news' },
  check_inbox: { done: ['1:ab'] },
  update_status: { taskId: 'x', status: 'working' },
  complete_task: { taskId: 'x', result: 1 },
  vault_list: {},
  vault_status: { name: 'x' },
  vault_generate_secret: { name: 'key', hosts: ['api.example.com'] },
  vault_capture_from_page: {
    ...{ name: 'key', hosts: ['api.example.com'] },
    ...{ url: 'https://api.example.com/', after: 'key: ' },
  },
  introspect: {},
  notify_user: { text: 'x' },
  save_artifact: { path: 'report.txt' },
  read_artifact: { key: 'artifacts/alice/report.txt', path: 'copy.txt' },
  read_agent_history: { agent: 'bob' },
  spawn_agent: { role: 'r', instructions: '', task: 'x' },
};

/** alice may everything that a person lets her do. */
function configOf() {
  const mesh = MeshConfig.parse({ llm: { default_model: 'scripted/a' } });
  const agents = AgentsConfig.parse({ agents: { alice: {}, bob: {} } });
  const lists = ['can_message', 'can_publish', 'can_subscribe', 'blackboard_read', 'blackboard_write'];
  const all = Object.fromEntries([...lists, 'allowed_apis'].map((list) => [list, ['**']]));
  const permissions = PermissionsConfig.parse({
    permissions: { alice: { ...all, can_spawn: true, allowed_tools: { '*': 'ask' } }, bob: {} },
  });
  return { mesh, agents: settingsOf(mesh, agents, permissions), extraRootsPem: null };
}

/** The agent's end of a pipe. */
function meshOn(session: ClientHttp2Session): MeshClient {
  return {
    async call({ method, path, headers, body }) {
      const sent = typeof body === 'string' || body === undefined ? body : Buffer.from(body).toString();
      const answer = await askMesh(session, method, path, sent, headers);
      return {
        status: answer.status,
        headers: {},
        body: Readable.from([Buffer.from(answer.text)]),
      };
    },
  };
}

/** A person who says yes to everything, until `over`. */
async function sayYes({ ask }: Fixture, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const { approvals } = (await ask('GET', '/api/approvals?status=pending')).as(ApprovalList);
    for (const { id, hash } of approvals)
      await ask('POST', `/api/approvals/${id}/answer`, { approve: true, hash, note: '' });
    await setTimeout(5);
  }
}

test('each tool that asks the mesh for its effect is refused when its question is skipped, and runs once for each yes', async () => {
  const workspace = mkdtempSync(`${tmpdir()}/openlegion-asked-`);
  const given = Promise.withResolvers<Fixture>();
  const tried = Promise.withResolvers<void>();
  const over = new AbortController();

  async function tryAll(session: ClientHttp2Session): Promise<void> {
    const mesh = meshOn(session);
    writeFileSync(`${workspace}/report.txt`, 'the numbers');
    const { tools } = defineTools({
      ...{ workspace, mesh, outputs: createOutputFiles(workspace), environment: {}, granted: AGENT_TOOLS },
      send: async () => ({
        ...{ status: 200, statusText: 'OK', headers: [], cut: null },
        body: Buffer.from('key: swordfish'),
      }),
    });
    for (const [tool, input] of Object.entries(CALLS)) {
      const defined = tools.get(tool) ?? assert.fail(tool);
      const run = () => runTool(defined, input);
      assert.match((await run()).output, /approval\.required/, `${tool}, its question skipped`);
      const question = { tool, arguments: JSON.stringify(input), key: tool };
      assert.equal((await askMesh(session, 'POST', '/mesh/approvals', question)).status, 200, tool);
      assert.doesNotMatch((await run()).output, /approval\.required/, `${tool}, approved`);
      const again = await run();
      // The same call under the same key is no other; an inbox may be looked at for the rest of the turn.
      if (['hand_off', 'publish_event', 'spawn_agent', 'check_inbox'].includes(tool))
        assert.doesNotMatch(again.output, /approval\.required/, `${tool}, repeated`);
      else assert.match(again.output, /approval\.required/, `${tool}, once more`);
    }
  }

  await using fixture = await startFixture({
    config: configOf(),
    readConfig: configOf,
    async turn(turn) {
      if (turn.text === 'go') {
        await given.promise;
        await tryAll(turn.mesh).then(tried.resolve, tried.reject);
      }
      turn.end('done');
    },
  });
  fixture.vault.publicKeyPem = generateKeyPairSync('x25519')
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString();
  given.resolve(fixture);
  try {
    const yes = sayYes(fixture, over.signal);
    await fixture.send('alice', 'go');
    await tried.promise;
    over.abort();
    await yes;
  } finally {
    over.abort();
    rmSync(workspace, { recursive: true, force: true });
  }
});

test('what the mesh does not hold to an approval is said to be held by the agent alone', () => {
  for (const tool of AGENT_TOOLS) {
    const { askHeldBy } = toolEnforcement(tool);
    assert.equal(askHeldBy, tool in CALLS || tool === 'request_host' ? 'host' : 'agent', tool);
  }
});
