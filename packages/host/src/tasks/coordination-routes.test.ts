import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createAgentBlackboard } from '../blackboard/agent-blackboard.ts';
import { createBlackboard } from '../blackboard/blackboard.ts';
import { agentOf, agentsOf, openParts } from '../blackboard/test/open-parts.ts';
import { readJsonBody } from '../mesh/read-json-body.ts';
import { askMesh } from '../mesh/test/ask-mesh.ts';
import { answerRefusal, refusalOf } from '../pipe/answer-refusal.ts';
import { createAgentPubsub, createMayReceive } from '../pubsub/agent-pubsub.ts';
import { createPubsub } from '../pubsub/pubsub.ts';
import { createAgentTasks } from './agent-tasks.ts';
import { coordinationRoutes } from './coordination-routes.ts';
import { createTasks } from './tasks.ts';

const ALL = {
  blackboard_read: ['**'],
  blackboard_write: ['**'],
  can_publish: ['**'],
  can_subscribe: ['**'],
  can_message: ['**'],
};
const AGENTS = agentsOf({
  alice: { team: 'sales', permissions: ALL },
  bob: { team: 'sales', permissions: ALL },
  eve: { team: 'other', permissions: ALL },
  none: { team: 'sales' },
});

/** The routes over HTTP/2, each agent on a session of its own, as on its pipe. */
async function serve() {
  const parts = openParts();
  const config = { agents: AGENTS };
  const done = async () => ({ ok: true, value: null }) as const;
  const blackboard = createBlackboard(parts);
  const pubsub = createPubsub({
    ...parts,
    mayReceive: createMayReceive(config),
    hooks: { wake: done, workflow: done },
    warn: () => {},
  });
  const tasks = createTasks({
    ...parts,
    hooks: { dispatch: done, recall: done, deliverResult: done, attention: done },
    warn: () => {},
  });
  let ids = 0;
  const newId = () => `id_${++ids}`;
  const health = { closedFor: () => null, isStuck: tasks.isStuck, load: tasks.load };
  const routes = coordinationRoutes({
    config,
    blackboard: createAgentBlackboard({ ...parts, blackboard }),
    pubsub: createAgentPubsub({ ...parts, pubsub, newId }),
    tasks: createAgentTasks({ ...parts, tasks, config, health, newId }),
    turnOf: (agent) => ({ messageId: `m_${agent}`, traceId: 't', hops: 0, askedBy: null }),
  });
  const servers: ReturnType<typeof createServer>[] = [];
  const sessions: ClientHttp2Session[] = [];
  async function session(agent: string): Promise<ClientHttp2Session> {
    const server = createServer();
    server.on('stream', async (stream, headers) => {
      const { ':method': method = '', ':path': path = '' } = headers;
      stream.on('error', () => {});
      try {
        const route = routes.find((candidate) => candidate.path === path && candidate.method === method);
        if (!route) throw new Error('no route');
        const body = route.schema && (await readJsonBody(stream, route.schema, route.maxBytes));
        const answer = await route.run(agentOf(AGENTS, agent), { method, path, headers, stream }, body);
        if (answer === undefined || stream.destroyed) return;
        stream.respond({ ':status': 200 });
        stream.end(JSON.stringify(answer));
      } catch (error) {
        answerRefusal(stream, refusalOf(error));
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const made = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    servers.push(server);
    sessions.push(made);
    return made;
  }
  return {
    routes,
    blackboard,
    audited: parts.audited,
    session,
    async [Symbol.asyncDispose]() {
      for (const one of sessions) one.destroy();
      for (const server of servers) server.close();
      await Promise.all([pubsub.stop(), tasks.stop()]);
      parts[Symbol.dispose]();
    },
  };
}

test("a watch streams what is written, at the reader's pace, and ends with its stream", async () => {
  await using host = await serve();
  const alice = await host.session('alice');
  const stream = alice.request(
    { ':method': 'POST', ':path': '/mesh/blackboard/watch' },
    { endStream: false },
  );
  stream.end(JSON.stringify({ prefix: 'signals/' }));
  await once(stream, 'response');
  const bob = await host.session('bob');
  for (let n = 0; n < 3; n += 1)
    assert.equal(
      (await askMesh(bob, 'POST', '/mesh/blackboard/set', { key: `signals/${n}`, value: n })).status,
      200,
    );
  let text = '';
  for await (const chunk of stream) {
    text += chunk;
    if (text.split('\n').length > 3) break;
  }
  const changes = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    changes.map(({ key, value, writer }) => [key, value, writer]),
    [0, 1, 2].map((n) => [`signals/${n}`, n, 'bob']),
  );
});

test('every route, asked by an agent of another team about what is here, finds what it would find if nothing were', async () => {
  await using host = await serve();
  const alice = await host.session('alice');
  const ask = (path: string, body: object) => askMesh(alice, 'POST', path, body);
  await ask('/mesh/subscribe', { topic: 'news', mode: 'inbox' });
  await ask('/mesh/blackboard/set', { key: 'context/a', value: 'canary' });
  await ask('/mesh/publish', { topic: 'news', payload: 'canary' });
  const { taskId } = JSON.parse(
    (await ask('/mesh/handoff', { to: 'bob', task: 'canary', idempotencyKey: 'k' })).text,
  );
  const [delivery] = JSON.parse((await ask('/mesh/events', {})).text).deliveries;
  const attempts: [path: string, body: object, absent: object][] = [
    ['/mesh/blackboard/get', { key: 'context/a' }, { key: 'context/none' }],
    ['/mesh/blackboard/list', { prefix: 'context/' }, { prefix: 'none/' }],
    ['/mesh/blackboard/history', { key: 'context/a' }, { key: 'context/none' }],
    ['/mesh/blackboard/delete', { key: 'context/a' }, { key: 'context/none' }],
    ['/mesh/unsubscribe', { topic: 'news' }, { topic: 'none' }],
    ['/mesh/events', {}, {}],
    [
      '/mesh/events/ack',
      { deliveryId: delivery.deliveryId, lease: delivery.lease },
      { deliveryId: 999, lease: 'x' },
    ],
    [
      '/mesh/events/nack',
      { deliveryId: delivery.deliveryId, lease: delivery.lease },
      { deliveryId: 999, lease: 'x' },
    ],
    ['/mesh/tasks/update', { taskId, status: 'working' }, { taskId: 'none', status: 'working' }],
    ['/mesh/tasks/complete', { taskId, result: 1 }, { taskId: 'none', result: 1 }],
    ['/mesh/tasks/cancel', { taskId }, { taskId: 'none' }],
  ];
  const eve = await host.session('eve');
  for (const [path, body, absent] of attempts) {
    const [asked, nothing] = [
      await askMesh(eve, 'POST', path, body),
      await askMesh(eve, 'POST', path, absent),
    ];
    assert.equal(asked.status, nothing.status, path);
    assert.equal(asked.text.replaceAll('context/a', 'context/none'), nothing.text, path);
    assert.ok(!asked.text.includes('canary'), path);
  }
  assert.equal(
    (await askMesh(eve, 'POST', '/mesh/handoff', { to: 'bob', task: 'x', idempotencyKey: 'k' })).status,
    403,
  );
  assert.equal(JSON.parse((await askMesh(eve, 'GET', '/mesh/inbox')).text).tasks.length, 0);
  assert.equal(JSON.parse((await askMesh(eve, 'GET', '/mesh/tasks')).text).tasks.length, 0);
  // What she wrote under the same names is hers alone.
  await askMesh(eve, 'POST', '/mesh/blackboard/set', { key: 'context/a', value: 'hers' });
  assert.equal(JSON.parse((await ask('/mesh/blackboard/get', { key: 'context/a' })).text).value, 'canary');
});

test('an agent without grants is refused on every route that needs one, and each refusal is recorded', async () => {
  await using host = await serve();
  const none = await host.session('none');
  const bodies: Record<string, object> = {
    '/mesh/blackboard/get': { key: 'k' },
    '/mesh/blackboard/history': { key: 'k' },
    '/mesh/blackboard/set': { key: 'k', value: 1 },
    '/mesh/blackboard/delete': { key: 'k' },
    '/mesh/publish': { topic: 'k', payload: 1 },
    '/mesh/subscribe': { topic: 'k' },
    '/mesh/handoff': { to: 'bob', task: 'x', idempotencyKey: 'k' },
  };
  for (const [path, body] of Object.entries(bodies))
    assert.equal((await askMesh(none, 'POST', path, body)).status, 403, path);
  assert.equal(host.audited().length, Object.keys(bodies).length);
  // Those that need one and are not refused as a whole show nothing.
  const rest = host.routes.filter(({ path, permission }) => permission !== 'self' && !(path in bodies));
  assert.deepEqual(
    rest.map(({ path }) => path),
    ['/mesh/blackboard/list', '/mesh/blackboard/watch', '/mesh/events'],
  );
});

test('an identity that is claimed, a field that is too much, another type and deep JSON are bad requests on every route', async () => {
  await using host = await serve();
  const alice = await host.session('alice');
  const deep = `{"key":"k","topic":"k","taskId":"k","value":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
  for (const { path, method } of host.routes) {
    if (method === 'GET') continue;
    for (const body of [
      { agent: 'bob', from: 'bob' },
      [],
      'null',
      '{"key":["k"],"topic":{},"taskId":1,"to":[]}',
      deep,
      '{',
    ])
      assert.equal(
        (await askMesh(alice, 'POST', path, body)).status,
        400,
        `${path} ${String(body).slice(0, 40)}`,
      );
    const large = await askMesh(alice, 'POST', path, `{"key":"${'x'.repeat(1024 * 1024)}"}`);
    assert.equal(large.status, 413, path);
  }
});
