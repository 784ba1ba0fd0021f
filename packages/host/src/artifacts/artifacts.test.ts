import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import type { ClientHttp2Session } from 'node:http2';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { dataPaths } from '@openlegion/contract/installation';
import { ArtifactSaved } from '@openlegion/contract/mesh-api';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import { PermissionsConfig } from '@openlegion/contract/permissions-config';
import { z } from 'zod';
import { createAuditLog } from '../audit/audit-log.ts';
import { createAgentBlackboard } from '../blackboard/agent-blackboard.ts';
import { createBlackboard } from '../blackboard/blackboard.ts';
import { BLACKBOARD_LIMITS, type BlackboardLimits } from '../blackboard/blackboard-limits.ts';
import { agentOf, agentsOf, openParts } from '../blackboard/test/open-parts.ts';
import type { FleetConfig } from '../config/fleet-config.ts';
import { settingsOf } from '../config/load-config.ts';
import type { FakeTurn } from '../fleet/test/fake-backend.ts';
import { createManualClock } from '../manual-clock.ts';
import { askMesh } from '../mesh/test/ask-mesh.ts';
import { openDatabase } from '../store/database.ts';
import { MESH_MIGRATIONS } from '../store/mesh-schema.ts';
import { createDyingDatabase } from '../store/test/dying-database.ts';
import { type Answer, answerOf } from '../test/answer.ts';
import { type Fixture, startFixture } from '../test/host-fixture.ts';
import { createArtifacts } from './artifacts.ts';

/** alice writes and bob reads, in one team; carol of another team is granted everything there. */
function config(): FleetConfig {
  const mesh = MeshConfig.parse({ llm: { default_model: 'scripted/a' } });
  const agents = AgentsConfig.parse({
    agents: { alice: { team: 'a' }, bob: { team: 'a' }, carol: { team: 'b' } },
  });
  const all = ['**'];
  const permissions = PermissionsConfig.parse({
    permissions: {
      alice: { blackboard_write: ['artifacts/alice/**'], blackboard_read: ['artifacts/alice/**'] },
      bob: { blackboard_read: ['artifacts/alice/*'] },
      carol: { blackboard_write: all, blackboard_read: all, can_message: ['*'], allowed_apis: ['*'] },
    },
  });
  return { mesh, agents: settingsOf(mesh, agents, permissions), extraRootsPem: null };
}

async function put(mesh: ClientHttp2Session, name: string, body: Buffer): Promise<Answer> {
  const stream = mesh.request({ ':method': 'PUT', ':path': `/mesh/artifacts/${name}` }, { endStream: false });
  stream.on('error', () => {});
  stream.end(body);
  const reading = text(stream).catch(() => '');
  const [answer] = await once(stream, 'response');
  return answerOf(Number(answer[':status']), answer, await reading);
}

async function asAgents(
  work: (turns: Map<string, FakeTurn>, fixture: Fixture) => Promise<void>,
  options: { config: FleetConfig; readConfig?: () => FleetConfig } = { config: config() },
): Promise<void> {
  const turns = new Map<string, FakeTurn>();
  const all = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  await using fixture = await startFixture({
    ...options,
    async turn(turn) {
      turns.set(turn.agent, turn);
      if (turns.size === 3) all.resolve();
      await over.promise;
      turn.end('ok');
    },
  });
  for (const agent of ['alice', 'bob', 'carol']) await fixture.send(agent, 'go');
  await all.promise;
  try {
    await work(turns, fixture);
  } finally {
    over.resolve();
  }
}

const meshOf = (turns: Map<string, FakeTurn>, agent: string) => {
  const turn = turns.get(agent);
  assert.ok(turn);
  return turn.mesh;
};

test('bytes that one agent saved another reads whole, where it is granted the key; the newest stands', async () => {
  await asAgents(async (turns, fixture) => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 128));
    const saved = (await put(meshOf(turns, 'alice'), 'data.bin', bytes)).as(ArtifactSaved);
    assert.deepEqual([saved.key, saved.bytes, saved.version], ['artifacts/alice/data.bin', 300_000, 1]);
    const read = await askMesh(meshOf(turns, 'bob'), 'GET', '/mesh/artifacts/alice/data.bin');
    assert.equal(read.status, 200);
    assert.equal(read.text, bytes.toString());
    assert.equal(
      (await put(meshOf(turns, 'alice'), 'data.bin', Buffer.from('new'))).as(ArtifactSaved).version,
      2,
    );
    assert.equal((await askMesh(meshOf(turns, 'bob'), 'GET', '/mesh/artifacts/alice/data.bin')).text, 'new');
    assert.equal(readdirSync(dataPaths(fixture.home).artifacts).length, 1);
    const shared = await askMesh(meshOf(turns, 'bob'), 'POST', '/mesh/blackboard/get', { key: saved.key });
    assert.match(shared.text, /"bytes":3/);
  });
});

test('what is not granted, another team’s, misnamed, too large or forged is refused, and leaves nothing', async () => {
  await asAgents(async (turns, fixture) => {
    const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => meshOf(turns, name)) as [
      ClientHttp2Session,
      ClientHttp2Session,
      ClientHttp2Session,
    ];
    await put(alice, 'a/deep.txt', Buffer.from('secret'));
    await put(alice, 'flat.txt', Buffer.from('flat'));
    assert.equal((await askMesh(bob, 'GET', '/mesh/artifacts/alice/a/deep.txt')).status, 403);
    // Everything is granted to carol, in her own team: there it does not exist.
    assert.equal((await askMesh(carol, 'GET', '/mesh/artifacts/alice/flat.txt')).status, 404);
    const entry = { key: 'artifacts/alice/flat.txt', value: { artifact: 'flat.txt', bytes: 4, sha256: 'x' } };
    assert.equal((await askMesh(carol, 'POST', '/mesh/blackboard/set', entry)).status, 200);
    assert.equal((await askMesh(carol, 'GET', '/mesh/artifacts/alice/flat.txt')).status, 404);
    assert.equal(
      (await put(bob, 'x.txt', Buffer.from('x'))).refusal().rule,
      'permissions.bob.blackboard_write',
    );
    for (const name of ['..%2Fescape', '%2e%2e/%2e%2e/x', 'a//b', '%00', '%E0%A4%A'])
      assert.equal((await put(alice, name, Buffer.from('x'))).status, 400, name);
    const large = await put(alice, 'large', Buffer.alloc(32 * 1024 * 1024 + 1));
    assert.equal(large.status, 413);
    assert.equal(readdirSync(dataPaths(fixture.home).artifacts).length, 2);
    const denied = (await fixture.audit()).filter(({ type }) => type === 'permission.denied');
    assert.deepEqual(
      denied.map(({ actor, subject, rule }) => [actor, subject, rule]),
      [
        ['bob', 'team/a artifacts/alice/a/deep.txt', 'permissions.bob.blackboard_read'],
        ['bob', 'team/a artifacts/bob/x.txt', 'permissions.bob.blackboard_write'],
      ],
    );
    assert.ok(denied.every(({ traceId }) => traceId.startsWith('trc_')));
  });
});

test('a grant that is withdrawn while the bytes are on their way does not count, and leaves nothing', async () => {
  for (const gone of [false, true]) {
    const agents = new Map(config().agents);
    const alice = agentOf(agents, 'alice');
    const poorer = { ...alice, permissions: { ...alice.permissions, blackboard_write: [] } };
    await asAgents(
      async (turns, fixture) => {
        const path = { ':method': 'PUT', ':path': '/mesh/artifacts/held.txt' };
        const held = meshOf(turns, 'alice').request(path, { endStream: false });
        held.write('bytes');
        const answer = text(held);
        // Answered after it is known to the host.
        await askMesh(meshOf(turns, 'alice'), 'GET', '/mesh/agents');
        if (gone) agents.delete('alice');
        else assert.equal((await fixture.ask('POST', '/api/config/reload', {})).status, 200);
        held.end();
        assert.equal(JSON.parse(await answer).error?.rule, 'permissions.alice.blackboard_write');
        assert.deepEqual(readdirSync(dataPaths(fixture.home).artifacts), []);
        agents.set('alice', alice);
      },
      {
        config: { ...config(), agents },
        readConfig: () => ({ ...config(), agents: new Map([...agents, ['alice', poorer]]) }),
      },
    );
  }
});

test('where the entry cannot be written, what was saved before stays', async () => {
  const directory = mkdtempSync(`${tmpdir()}/openlegion-artifacts-`);
  const parts = openParts();
  try {
    const limits: Record<keyof BlackboardLimits, number> = { ...BLACKBOARD_LIMITS };
    const blackboard = createAgentBlackboard({
      ...parts,
      blackboard: createBlackboard({ ...parts, limits }),
    });
    const permissions = { blackboard_read: ['**'], blackboard_write: ['**'] };
    const artifacts = createArtifacts({ ...parts, directory, blackboard });
    const agent = agentOf(agentsOf({ alice: { permissions } }), 'alice');
    const save = (name: string, text: string) =>
      artifacts.save(() => agent, name, Readable.from([Buffer.from(text)]), 't');
    assert.ok((await save('a', 'old')).ok);
    limits.valueBytes = 10;
    const second = await save('a', 'new');
    assert.equal(!second.ok && second.refusal.rule, 'blackboard.value_bytes');
    const read = await artifacts.read(agent, 'artifacts/alice/a', 't');
    assert.equal(read.ok && (await text(read.value.body)), 'old');
    assert.equal(readdirSync(directory).length, 1);
  } finally {
    parts[Symbol.dispose]();
    rmSync(directory, { recursive: true, force: true });
  }
});

test('all artifacts of an agent together are bounded, also those that it saves at once', async () => {
  const directory = mkdtempSync(`${tmpdir()}/openlegion-artifacts-`);
  const parts = openParts();
  try {
    const blackboard = createAgentBlackboard({ ...parts, blackboard: createBlackboard(parts) });
    const permissions = { blackboard_read: ['**'], blackboard_write: ['**'] };
    const artifacts = createArtifacts({ ...parts, directory, blackboard, agentBytes: 10 });
    const agent = agentOf(agentsOf({ alice: { permissions } }), 'alice');
    const saved = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) =>
        artifacts.save(() => agent, name, Readable.from([Buffer.from('four')]), 't'),
      ),
    );
    const rules = saved.map((one) => (one.ok ? 'ok' : one.refusal.rule));
    const full = 'artifacts.agent_bytes';
    assert.deepEqual(rules.toSorted(), [full, full, 'ok', 'ok']);
    assert.equal(readdirSync(directory).length, 2);
  } finally {
    parts[Symbol.dispose]();
    rmSync(directory, { recursive: true, force: true });
  }
});

test('killed at any write of one, the next host has what was there before or what is new, whole, and no other file', async () => {
  for (const before of [true, false])
    for (let at = 0; at < 3; at += 1) {
      const home = mkdtempSync(`${tmpdir()}/openlegion-artifacts-`);
      const directory = `${home}/artifacts`;
      const open = () => {
        const clock = createManualClock();
        const dying = createDyingDatabase(
          openDatabase({ path: `${home}/mesh.db`, migrations: MESH_MIGRATIONS }),
        );
        const parts = { database: dying.database, audit: createAuditLog({ ...dying, clock }), clock };
        const blackboard = createAgentBlackboard({ ...parts, blackboard: createBlackboard(parts) });
        const artifacts = createArtifacts({ ...parts, directory, blackboard });
        const save = (words: string) =>
          artifacts.save(() => agent, 'a', Readable.from([Buffer.from(words)]), 't');
        return { ...dying, blackboard, artifacts, save };
      };
      const permissions = { blackboard_read: ['**'], blackboard_write: ['**'] };
      const agent = agentOf(agentsOf({ alice: { permissions } }), 'alice');
      const first = open();
      assert.ok((await first.save('old')).ok);
      const died = first.kill(at, before);
      const end = await Promise.race([first.save('newer'), died]);
      first.close();
      const next = open();
      const key = 'artifacts/alice/a';
      const entry = await next.blackboard.get(agent, { key }, 't');
      const read = await next.artifacts.read(agent, key, 't');
      assert.ok(entry.ok && read.ok);
      const words = await text(read.value.body);
      const { bytes } = z.object({ bytes: z.int() }).parse(entry.value.value);
      assert.deepEqual([bytes, words === 'old' || words === 'newer'], [words.length, true]);
      if (end !== 'died') assert.equal(words, 'newer');
      assert.equal(readdirSync(directory).length, 1);
      next.close();
      rmSync(home, { recursive: true, force: true });
    }
});

test('another agent’s history is for one that may message it, is granted the interface, and is of its team', async () => {
  await asAgents(async (turns, fixture) => {
    const [bob, carol] = [meshOf(turns, 'bob'), meshOf(turns, 'carol')];
    assert.equal(
      (await askMesh(bob, 'GET', '/mesh/history/alice')).refusal().rule,
      'permissions.bob.allowed_apis',
    );
    assert.equal((await askMesh(carol, 'GET', '/mesh/history/alice')).refusal().rule, 'teams.b');
    // An agent of another team is answered as one that does not exist.
    assert.equal((await askMesh(carol, 'GET', '/mesh/history/ghost')).refusal().rule, 'teams.b');
    assert.equal((await askMesh(carol, 'GET', '/mesh/history/..%2falice')).status, 403);
    const read = (await fixture.audit()).filter(({ type }) => type === 'history.read');
    assert.deepEqual(
      read.map(({ decision }) => decision),
      ['denied', 'denied', 'denied'],
    );
  });
});

test('twenty notifications an hour are the user’s to see, more are refused', async () => {
  await asAgents(async (turns) => {
    const bob = meshOf(turns, 'bob');
    for (let count = 0; count < 20; count++)
      assert.equal((await askMesh(bob, 'POST', '/mesh/notify', { text: `${count}` })).status, 200);
    assert.equal(
      (await askMesh(bob, 'POST', '/mesh/notify', { text: 'more' })).refusal().rule,
      'mesh.notify',
    );
    assert.equal((await askMesh(meshOf(turns, 'carol'), 'POST', '/mesh/notify', { text: 'x' })).status, 200);
    assert.equal((await askMesh(bob, 'POST', '/mesh/notify', { text: '' })).status, 400);
  });
});
