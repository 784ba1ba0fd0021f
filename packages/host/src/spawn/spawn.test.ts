import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { SpawnedAgent, SpawnedList } from '@openlegion/contract/mesh-api';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import { PermissionsConfig } from '@openlegion/contract/permissions-config';
import { type Clock, createSystemClock } from '../clock.ts';
import type { FleetConfig } from '../config/fleet-config.ts';
import { settingsOf } from '../config/load-config.ts';
import { askMesh } from '../mesh/test/ask-mesh.ts';
import { startFixture } from '../test/host-fixture.ts';
import { policyOf } from '../vault/vault-policy.ts';
import { notGranted, spawnedSettings } from './spawned-settings.ts';

function config(): FleetConfig {
  const mesh = MeshConfig.parse({ llm: { default_model: 'scripted/a' } });
  const agents = AgentsConfig.parse({ agents: { alice: { team: 'sales' }, bob: {} } });
  const permissions = PermissionsConfig.parse({
    permissions: {
      alice: {
        ...{ allowed_apis: ['llm', 'vault'], can_spawn: true, can_message: ['bob'] },
        allowed_tools: { '*': 'allow', exec: 'deny', write_file: 'ask' },
        allowed_domains: ['api.example.com', '*.trusted.example'],
        allowed_credentials: ['brave_*'],
      },
      bob: { allowed_apis: ['llm'], allowed_tools: { '*': 'allow' } },
    },
  });
  return { mesh, agents: settingsOf(mesh, agents, permissions), extraRootsPem: null };
}

const ask = (over: object = {}) => ({
  ...{ role: 'reader', instructions: 'Read.', task: 'go', lifetimeSeconds: 60, idempotencyKey: 'k' },
  ...over,
});

test('a spawned agent has at most what its parent has now, by the very entries of the parent', () => {
  const alice = config().agents.get('alice');
  assert.ok(alice);
  const asked = {
    ...{ role: 'r', instructions: 'i', tools: ['read_file', 'write_file', 'exec', 'spawn_agent'] },
    ...{
      domains: ['api.example.com', 'other.example', 'a.trusted.example'],
      credentials: ['brave_*', 'brave_key'],
    },
  };
  assert.deepEqual(notGranted(alice, asked), [
    'the tool exec',
    'the domain other.example',
    'the domain a.trusted.example',
    'the credential brave_key',
  ]);
  const child = spawnedSettings(alice, 'alice-s1', asked);
  assert.deepEqual(child.permissions.allowed_tools, {
    read_file: 'allow',
    write_file: 'ask',
    spawn_agent: 'allow',
  });
  assert.deepEqual(child.permissions.allowed_domains, ['api.example.com']);
  assert.deepEqual(child.permissions.allowed_credentials, ['brave_*']);
  // Of the interfaces that of models alone, and no list of the parent's.
  assert.deepEqual(child.permissions.allowed_apis, ['llm']);
  assert.deepEqual(child.permissions.can_message, ['alice']);
  assert.deepEqual([child.team, child.model, child.parent], ['sales', 'scripted/a', 'alice']);
  assert.deepEqual(child.resources, alice.resources);
  const poorer = { ...alice, permissions: { ...alice.permissions, allowed_domains: [], can_spawn: false } };
  const after = spawnedSettings(poorer, 'alice-s1', asked);
  assert.deepEqual([after.permissions.allowed_domains, after.permissions.can_spawn], [[], false]);
});

test('it does its task in a container of its own, its parent pays, its result comes back, and it ends with its time', async () => {
  const system = createSystemClock();
  let lifetimeOver = () => {};
  const after: Clock['after'] = (ms, run) => {
    if (ms < 70_000 || ms > 77_000) return system.after(ms, run);
    lifetimeOver = run;
    return () => {};
  };
  const seen: string[] = [];
  let spawned: SpawnedAgent | undefined;
  await using fixture = await startFixture({
    config: config(),
    clock: { ...system, after },
    async turn(turn) {
      seen.push(`${turn.agent.replace(/-s[0-9a-f]{8}$/, '-s')}: ${turn.text.split('\n')[0]}`);
      if (turn.text === 'start') {
        const first = await askMesh(turn.mesh, 'POST', '/mesh/spawn', ask({ lifetimeSeconds: 77 }));
        spawned = first.as(SpawnedAgent);
        const again = await askMesh(turn.mesh, 'POST', '/mesh/spawn', ask({ lifetimeSeconds: 77 }));
        assert.deepEqual(again.as(SpawnedAgent), spawned);
        assert.equal((await askMesh(turn.mesh, 'POST', '/mesh/spawn', ask({ task: 'other' }))).status, 409);
        const list = await askMesh(turn.mesh, 'GET', '/mesh/spawn');
        assert.deepEqual(list.as(SpawnedList).agents, [spawned]);
      }
      turn.end(`done by ${turn.agent}`);
    },
  });
  const { messageId } = await fixture.send('alice', 'start');
  await fixture.trace(messageId);
  assert.ok(spawned);
  const { name, taskId } = spawned;
  assert.match(name, /^alice-s[0-9a-f]{8}$/);
  assert.deepEqual(seen, [
    'alice: start',
    'alice-s: go',
    `alice: Task ${taskId}, which you handed to ${name}, is done.`,
  ]);
  assert.match(
    JSON.stringify(fixture.vault.policies.at(-1)),
    new RegExp(`"name":"${name}","team":"sales","parent":"alice"`),
  );
  assert.ok((await fixture.status()).agents.some((agent) => agent.name === name));

  const removed = Promise.withResolvers<void>();
  fixture.backend.removeVolume = async (_installation, agent) => {
    if (agent === name) removed.resolve();
  };
  lifetimeOver();
  await removed.promise;
  assert.ok(!(await fixture.status()).agents.some((agent) => agent.name === name));
  const types = (await fixture.audit()).filter(({ subject }) => subject === name).map(({ type }) => type);
  assert.ok(types.includes('agent.spawned') && types.includes('agent.spawn_ended'), types.join());
});

test('asked twice at once under one key, one is made and both are told of it; what differs is refused', async () => {
  const answers: string[] = [];
  await using fixture = await startFixture({
    config: config(),
    async turn(turn) {
      if (turn.text === 'start') {
        const asked = ['idle', 'idle', 'other', 'idle'].map((task) => ask({ task }));
        const all = await Promise.all(asked.map((one) => askMesh(turn.mesh, 'POST', '/mesh/spawn', one)));
        answers.push(...all.map((one) => (one.status === 200 ? one.text : one.refusal().rule)));
      }
      turn.end('ok');
    },
  });
  await fixture.trace((await fixture.send('alice', 'start')).messageId);
  const [first] = answers;
  assert.match(first ?? '', /"name":"alice-s/);
  assert.deepEqual(answers, [first, first, 'spawn.idempotency_key', first]);
  assert.equal((await fixture.audit()).filter(({ type }) => type === 'agent.spawned').length, 1);
});

test('without the grant, beyond what is its own, too many at a time and too deep: refused and recorded', async () => {
  const rules: string[] = [];
  let afterwards = async () => {};
  await using fixture = await startFixture({
    config: config(),
    async turn(turn) {
      const spawn = async (over: object) => {
        const answer = await askMesh(turn.mesh, 'POST', '/mesh/spawn', ask(over));
        rules.push(`${turn.agent.split('-')[0]} ${answer.status === 200 ? 'ok' : answer.refusal().rule}`);
      };
      if (turn.text === 'bob') await spawn({});
      if (turn.text === 'bob') afterwards = () => spawn({});
      if (turn.text === 'beyond') await spawn({ domains: ['evil.example'] });
      if (turn.text === 'many')
        for (let count = 0; count < 4; count++) await spawn({ idempotencyKey: `${count}`, task: 'idle' });
      turn.end('ok');
    },
  });
  for (const [agent, text] of [
    ['bob', 'bob'],
    ['alice', 'beyond'],
    ['alice', 'many'],
  ] as const) {
    const { messageId } = await fixture.send(agent, text);
    await fixture.trace(messageId);
    if (agent === 'bob') await afterwards();
  }
  assert.deepEqual(rules, [
    ...['bob permissions.bob.can_spawn', 'bob permissions.bob.can_spawn'],
    'alice permissions.alice',
    ...['alice ok', 'alice ok', 'alice ok', 'alice spawn.living'],
  ]);
  const denied = (await fixture.audit()).filter(({ type }) => type === 'permission.denied');
  assert.deepEqual(
    denied.map(({ subject }) => subject),
    ['spawn_agent', 'spawn_agent', 'spawn_agent', 'spawn_agent'],
  );
});

test('depth is two: what a spawned agent spawned can spawn nothing', async () => {
  const rules: string[] = [];
  await using fixture = await startFixture({
    config: config(),
    async turn(turn) {
      if (/^go|start/.test(turn.text)) {
        const answer = await askMesh(turn.mesh, 'POST', '/mesh/spawn', ask({ tools: ['spawn_agent'] }));
        rules.push(answer.status === 200 ? 'ok' : answer.refusal().rule);
      }
      turn.end('ok');
    },
  });
  const { messageId } = await fixture.send('alice', 'start');
  await fixture.trace(messageId);
  assert.deepEqual(rules, ['ok', 'ok', 'spawn.depth']);
});

test('a policy names the parent, so that the keeper charges it', () => {
  const base = config();
  const alice = base.agents.get('alice');
  assert.ok(alice);
  const child = spawnedSettings(alice, 'alice-s1', {
    role: '',
    instructions: '',
    tools: [],
    domains: [],
    credentials: [],
  });
  const { agents } = policyOf({ ...base, agents: new Map([...base.agents, [child.name, child]]) });
  assert.deepEqual(
    agents.map(({ name, parent }) => [name, parent]),
    [
      ['alice', null],
      ['bob', null],
      ['alice-s1', 'alice'],
    ],
  );
});
