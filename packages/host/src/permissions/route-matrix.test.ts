import assert from 'node:assert/strict';
import { request } from 'node:http';
import type { ClientHttp2Session } from 'node:http2';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { Role } from '@openlegion/contract/control-caller';
import { CreatedToken } from '@openlegion/contract/control-tokens';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import { PermissionsConfig } from '@openlegion/contract/permissions-config';
import { RefusalBody } from '@openlegion/contract/refusal';
import type { FleetConfig } from '../config/fleet-config.ts';
import { settingsOf } from '../config/load-config.ts';
import { askMesh } from '../mesh/test/ask-mesh.ts';
import type { RouteDeclaration } from '../router/route-declaration.ts';
import { type Fixture, startFixture } from '../test/host-fixture.ts';

const keyOf = ({ method, path }: RouteDeclaration) => `${method} ${path}`;

/** The one that changes nothing and must be sent something. */
const READS_BY_POST = new Set(['POST /api/workflows/check']);

/** Status and rule of an answer, without waiting for the end of one that has none. */
function ask(port: number, method: string, path: string, token: string | null) {
  return new Promise<{ status: number; rule: string }>((resolve, reject) => {
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    const sent = request({ host: '127.0.0.1', port, method, path, agent: false, headers });
    sent.on('error', reject);
    sent.on('response', async (answer) => {
      const status = answer.statusCode ?? 0;
      const body = status >= 400 ? RefusalBody.parse(JSON.parse(await text(answer))) : null;
      answer.destroy();
      resolve({ status, rule: body?.error.rule ?? '' });
    });
    sent.end(method === 'GET' ? undefined : '{}');
  });
}

test('every control route refuses everyone below its role, and no one else for theirs', async () => {
  await using fixture = await startFixture({});
  const routes = fixture.host.routes.filter(({ zone }) => zone === 2.5);
  assert.ok(routes.length > 40, String(routes.length));
  const tokens = new Map<string, string | null>([['none', null]]);
  for (const role of Role.options)
    tokens.set(
      role,
      (await fixture.ask('POST', '/api/tokens', { name: `the-${role}`, role })).as(CreatedToken).token,
    );
  for (const route of routes) {
    const least = Role.parse(route.permission);
    const key = keyOf(route);
    if (route.method !== 'GET' && !READS_BY_POST.has(key))
      assert.notEqual(least, 'viewer', `${key} changes something`);
    const path = route.path.replace('{rest}', 'a.md').replace(/\{\w+\}/g, 'none');
    for (const [role, token] of tokens) {
      const { status, rule } = await ask(fixture.host.port, route.method, path, token);
      if (role === 'none') assert.ok(status === 401 || status === 429, `${key} without a token: ${status}`);
      else if (Role.options.indexOf(Role.parse(role)) < Role.options.indexOf(least))
        assert.deepEqual([status, rule], [403, `role.${least}`], `${key} as ${role}`);
      else assert.ok(status !== 401 && !rule.startsWith('role.'), `${key} as ${role}: ${status} ${rule}`);
    }
  }
});

/** Of each route of the mesh that takes a grant, a request that is whole. Those on which the keeper decides have none. */
const REQUESTS = new Map<string, { path?: string; body?: unknown } | 'keeper' | 'lists'>([
  ['POST /llm/{rest}', { path: '/llm/scripted/chat/completions', body: { model: 'a' } }],
  ['any /services/{rest}', 'keeper'],
  ['CONNECT egress', 'keeper'],
  ['GET /mesh/vault/key', {}],
  ['POST /mesh/vault/generate', { body: { name: 'key', hosts: ['api.example.com'] } }],
  ['POST /mesh/vault/capture', { body: { name: 'key', hosts: ['api.example.com'], sealed: 'AAAA' } }],
  ['POST /mesh/blackboard/get', { body: { key: 'context/x' } }],
  ['POST /mesh/blackboard/list', 'lists'],
  ['POST /mesh/blackboard/history', { body: { key: 'context/x' } }],
  ['POST /mesh/blackboard/set', { body: { key: 'context/x', value: 1 } }],
  ['POST /mesh/blackboard/delete', { body: { key: 'context/x' } }],
  ['POST /mesh/blackboard/watch', 'lists'],
  ['POST /mesh/publish', { body: { topic: 'news', payload: 1 } }],
  ['POST /mesh/subscribe', { body: { topic: 'news', mode: 'inbox' } }],
  ['POST /mesh/events', 'lists'],
  ['POST /mesh/handoff', { body: { to: 'bob', task: 'x', idempotencyKey: 'k' } }],
  ['POST /mesh/workflows', { body: { yaml: 'name: x' } }],
  ['POST /mesh/spawn', { body: { role: 'r', instructions: '', task: 't', idempotencyKey: 'k' } }],
  ['PUT /mesh/artifacts/{rest}', { path: '/mesh/artifacts/a.md', body: 'text' }],
  ['GET /mesh/artifacts/{rest}', { path: '/mesh/artifacts/alice/a.md' }],
  ['GET /mesh/history/{rest}', { path: '/mesh/history/bob' }],
  ['POST /mesh/route', { body: { model: 'scripted/a' } }],
]);

/** Those that show an agent nothing but itself, or what it may message anyway. */
const OF_ITSELF = [
  'GET /mesh/agents',
  'GET /mesh/inbox',
  'GET /mesh/introspect',
  'GET /mesh/models',
  'GET /mesh/spawn',
  'GET /mesh/tasks',
  'GET /mesh/vault',
  'POST /mesh/approvals',
  'POST /mesh/events/ack',
  'POST /mesh/events/nack',
  'POST /mesh/notify',
  'POST /mesh/tasks/cancel',
  'POST /mesh/tasks/complete',
  'POST /mesh/tasks/update',
  'POST /mesh/tool-pins',
  'POST /mesh/unsubscribe',
];

const ALL = {
  ...{
    can_message: ['**'],
    can_publish: ['**'],
    can_subscribe: ['**'],
    allowed_apis: ['**'],
    can_spawn: true,
  },
  ...{ blackboard_read: ['**'], blackboard_write: ['**'], allowed_tools: { '*': 'allow' } },
};

/** Those of no tool: what programs and the agent's own loop ask for, decided by their grants alone. */
const OF_NO_TOOL = [
  'CONNECT egress',
  'GET /mesh/models',
  'GET /mesh/spawn',
  'GET /mesh/vault/key',
  'POST /llm/{rest}',
  'POST /mesh/approvals',
  'POST /mesh/route',
  'POST /mesh/tasks/cancel',
  'POST /mesh/tool-pins',
  'POST /mesh/workflows',
  'any /services/{rest}',
];

/** What those that show an agent nothing but itself must be sent. */
const BODIES = new Map<string, unknown>([
  ['POST /mesh/events/ack', { deliveryId: 1, lease: 'x' }],
  ['POST /mesh/events/nack', { deliveryId: 1, lease: 'x' }],
  ['POST /mesh/notify', { text: 'x' }],
  ['POST /mesh/tasks/complete', { taskId: 'x', result: 1 }],
  ['POST /mesh/tasks/update', { taskId: 'x', status: 'failed' }],
  ['POST /mesh/unsubscribe', { topic: 'news' }],
]);

/** alice may everything, carol nothing; dora may everything too, and is of another team; erin must ask first. */
function configOf(): FleetConfig {
  const mesh = MeshConfig.parse({ llm: { default_model: 'scripted/a' } });
  const agents = AgentsConfig.parse({
    agents: {
      alice: { team: 'sales' },
      bob: { team: 'sales' },
      carol: { team: 'sales' },
      dora: { team: 'other' },
      erin: { team: 'sales' },
    },
  });
  const permissions = PermissionsConfig.parse({
    permissions: {
      alice: ALL,
      bob: {},
      carol: {},
      dora: ALL,
      erin: { ...ALL, allowed_tools: { '*': 'ask' } },
    },
  });
  return { mesh, agents: settingsOf(mesh, agents, permissions), extraRootsPem: null };
}

async function asAgents(
  work: (
    meshes: Map<string, ClientHttp2Session>,
    routes: readonly RouteDeclaration[],
    fixture: Fixture,
  ) => Promise<void>,
) {
  const meshes = new Map<string, ClientHttp2Session>();
  const release = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  await using fixture = await startFixture({
    config: configOf(),
    readConfig: configOf,
    async turn(turn) {
      if (turn.text === 'go') {
        meshes.set(turn.agent, turn.mesh);
        if (meshes.size === 4) arrived.resolve();
        await release.promise;
      }
      turn.end('done');
    },
  });
  for (const agent of ['alice', 'carol', 'dora', 'erin']) await fixture.send(agent, 'go');
  await arrived.promise;
  try {
    await work(
      meshes,
      fixture.host.routes.filter(({ zone }) => zone === 1),
      fixture,
    );
  } finally {
    release.resolve();
  }
}

test('every mesh route that takes a grant refuses an agent without it, names the grant, and lets one with it in', async () => {
  await asAgents(async (meshes, routes) => {
    const [alice, carol] = [meshes.get('alice') ?? assert.fail(), meshes.get('carol') ?? assert.fail()];
    const granted = routes.filter(({ permission }) => permission !== 'self');
    assert.deepEqual(granted.map(keyOf).sort(), [...REQUESTS.keys()].sort(), 'declare what each takes here');
    assert.deepEqual(
      routes
        .filter(({ permission }) => permission === 'self')
        .map(keyOf)
        .sort(),
      OF_ITSELF,
    );
    for (const route of granted) {
      const key = keyOf(route);
      const sample = REQUESTS.get(key) ?? assert.fail();
      if (sample === 'keeper') {
        assert.match(route.permission, /^allowed_(domains|credentials)$/, key);
        continue;
      }
      if (sample === 'lists') continue;
      const send = (mesh: ClientHttp2Session) =>
        askMesh(mesh, route.method, sample.path ?? route.path, sample.body);
      const [without, with_] = [await send(carol), await send(alice)];
      assert.equal(without.status, 403, `${key} without: ${without.text}`);
      const [field = ''] = route.permission.split(':');
      assert.match(without.refusal().rule, new RegExp(`permissions\\.carol\\.(${field}|can_message)$`), key);
      assert.notEqual(with_.status, 403, `${key} with: ${with_.text}`);
    }
  });
});

test('every mesh route that is the effect of a tool is refused where the tool asks and nobody said yes, and it is recorded', async () => {
  await asAgents(async (meshes, routes, fixture) => {
    const [alice, erin] = [meshes.get('alice') ?? assert.fail(), meshes.get('erin') ?? assert.fail()];
    const held = routes.filter((route) => !OF_NO_TOOL.includes(keyOf(route)));
    assert.equal(held.length, routes.length - OF_NO_TOOL.length);
    for (const route of held) {
      const key = keyOf(route);
      const found = REQUESTS.get(key);
      const sample = typeof found === 'object' ? found : { body: BODIES.get(key) ?? {} };
      const path = sample.path ?? route.path;
      const body = route.method === 'GET' ? undefined : sample.body;
      const asked = await askMesh(erin, route.method, path, body);
      assert.deepEqual([asked.status, asked.refusal().rule], [403, 'approval.required'], key);
      if (key === 'POST /mesh/blackboard/watch') continue;
      const allowed = await askMesh(alice, route.method, path, body);
      assert.ok(!allowed.text.includes('approval.required'), key);
    }
    const denied = (await fixture.audit()).filter(({ rule }) => rule === 'approval.required');
    assert.deepEqual(denied.map(({ subject }) => subject).sort(), held.map(keyOf).sort());
    assert.ok(denied.every(({ type, actor }) => type === 'permission.denied' && actor === 'erin'));
  });
});

test('what lists, lists nothing to an agent without the grant', async () => {
  await asAgents(async (meshes) => {
    const [alice, carol] = [meshes.get('alice') ?? assert.fail(), meshes.get('carol') ?? assert.fail()];
    await askMesh(alice, 'POST', '/mesh/blackboard/set', { key: 'context/x', value: 'canary' });
    const listed = await askMesh(carol, 'POST', '/mesh/blackboard/list', { prefix: '' });
    assert.ok(!listed.text.includes('canary') && !listed.text.includes('context/x'), listed.text);
    assert.deepEqual(JSON.parse((await askMesh(carol, 'GET', '/mesh/agents')).text), { agents: [] });
    assert.ok(!(await askMesh(carol, 'POST', '/mesh/events', {})).text.includes('canary'));
  });
});

test('an agent of another team, granted everything, neither sees nor reaches those of this one', async () => {
  await asAgents(async (meshes) => {
    const [alice, dora] = [meshes.get('alice') ?? assert.fail(), meshes.get('dora') ?? assert.fail()];
    const names = async (mesh: ClientHttp2Session) =>
      (
        JSON.parse((await askMesh(mesh, 'GET', '/mesh/agents')).text) as { agents: { name: string }[] }
      ).agents.map(({ name }) => name);
    assert.deepEqual(await names(alice), ['bob', 'carol', 'erin']);
    assert.deepEqual(await names(dora), []);
    const handed = await askMesh(dora, 'POST', '/mesh/handoff', {
      to: 'bob',
      task: 'x',
      idempotencyKey: 'k',
    });
    assert.deepEqual([handed.status, handed.refusal().rule], [403, 'teams.other']);
    const history = await askMesh(dora, 'GET', '/mesh/history/bob');
    assert.deepEqual([history.status, history.refusal().rule], [403, 'teams.other']);
    await askMesh(alice, 'POST', '/mesh/blackboard/set', { key: 'context/x', value: 'canary' });
    await askMesh(alice, 'PUT', '/mesh/artifacts/a.md', 'canary');
    for (const [method, path, body] of [
      ['POST', '/mesh/blackboard/get', { key: 'context/x' }],
      ['POST', '/mesh/blackboard/list', { prefix: '' }],
      ['GET', '/mesh/artifacts/alice/a.md', undefined],
      ['GET', '/mesh/introspect', undefined],
      ['GET', '/mesh/tasks', undefined],
      ['GET', '/mesh/inbox', undefined],
    ] as const) {
      const answer = await askMesh(dora, method, path, body);
      assert.ok(!answer.text.includes('canary') && !answer.text.includes('sales'), `${path}: ${answer.text}`);
    }
  });
});
