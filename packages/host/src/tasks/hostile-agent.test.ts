import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { BlackboardVersion } from '@openlegion/contract/blackboard';
import { PermissionsConfig } from '@openlegion/contract/permissions-config';
import { BLACKBOARD_LIMITS } from '../blackboard/blackboard-limits.ts';
import { settingsOf } from '../config/load-config.ts';
import { readTurnEvents } from '../fleet/read-turn-events.ts';
import { askMesh } from '../mesh/test/ask-mesh.ts';
import { PUBSUB_LIMITS } from '../pubsub/pubsub-limits.ts';
import { fixtureConfig, startFixture } from '../test/host-fixture.ts';
import { TASK_LIMITS } from './task-limits.ts';

/* A program that has replaced the agent, and speaks to the routes of coordination on its own pipe. */

const ALL = {
  ...{ can_message: ['**'], can_publish: ['**'], can_subscribe: ['**'] },
  ...{ blackboard_read: ['**'], blackboard_write: ['**'], allowed_apis: ['llm'] },
};

function config() {
  const { mesh } = fixtureConfig();
  const agents = AgentsConfig.parse({ agents: { mallory: {}, bob: {}, carol: {} } });
  const permissions = PermissionsConfig.parse({ permissions: { default: ALL } });
  return { mesh, agents: settingsOf(mesh, agents, permissions), extraRootsPem: null };
}

type Fixture = Awaited<ReturnType<typeof startFixture>>;

/** mallory does `work` in her turn, everyone else answers; then the host must still answer an honest agent. */
async function asMallory(work: (mesh: ClientHttp2Session, fixture: Fixture) => Promise<void>): Promise<void> {
  let failure: unknown;
  const started = Promise.withResolvers<Fixture>();
  await using fixture = await startFixture({
    config: config(),
    async turn(turn) {
      if (turn.agent === 'mallory' && turn.text === 'go')
        await work(turn.mesh, await started.promise).catch((error) => {
          failure = error;
        });
      turn.end('ok');
    },
  });
  started.resolve(fixture);
  await fixture.trace((await fixture.send('mallory', 'go')).messageId);
  if (failure) throw failure;
  const { messageId } = await fixture.send('bob', 'still there?');
  await fixture.trace(messageId);
  assert.equal((await fixture.message(messageId)).status, 'done');
}

const CLAIMS = {
  'x-openlegion-agent': 'bob',
  'x-agent-id': 'bob',
  'x-openlegion-trace': 'trc_other',
  authorization: 'Bearer x',
};

test('who writes, publishes and hands on is the pipe, whatever headers say', async () => {
  await asMallory(async (mesh, fixture) => {
    const ask = (path: string, body: object) => askMesh(mesh, 'POST', path, body, CLAIMS);
    await ask('/mesh/blackboard/set', { key: 'k', value: 1 });
    const { writer, traceId } = (await fixture.ask('GET', '/api/blackboard/entry?key=k')).as(
      BlackboardVersion,
    );
    assert.equal(writer, 'mallory');
    assert.notEqual(traceId, 'trc_other');
    await ask('/mesh/subscribe', { topic: 't', mode: 'inbox' });
    await ask('/mesh/publish', { topic: 't', payload: 1 });
    const [event] = JSON.parse((await ask('/mesh/events', {})).text).deliveries;
    assert.equal(event.publisher, 'mallory');
    const { taskId } = JSON.parse(
      (await ask('/mesh/handoff', { to: 'carol', task: 'x', idempotencyKey: 'k' })).text,
    );
    const shown = await fixture.ask('GET', `/api/tasks/${taskId}`);
    assert.match(shown.text, /"origin":\{"kind":"agent","agent":"mallory"\}/);
    for (const path of ['/mesh/blackboard/undo', '/mesh/dead-letters', '/api/blackboard/set', '/api/tasks'])
      for (const method of ['GET', 'POST'])
        assert.equal((await askMesh(mesh, method, path, {}, CLAIMS)).status, 404, path);
  });
});

test('requests in an order in which they make no sense are refused, and change nothing', async () => {
  await asMallory(async (mesh) => {
    const ask = async (path: string, body: object) => (await askMesh(mesh, 'POST', path, body)).status;
    const lease = 'a'.repeat(36);
    for (const [path, body, status] of [
      ['/mesh/events/ack', { deliveryId: 1, lease }, 404],
      ['/mesh/events/nack', { deliveryId: Number.MAX_SAFE_INTEGER, lease }, 404],
      ['/mesh/unsubscribe', { topic: 'never' }, 404],
      ['/mesh/tasks/update', { taskId: 'msg_x', status: 'working' }, 404],
      ['/mesh/tasks/complete', { taskId: 'msg_x', result: 1 }, 404],
      ['/mesh/tasks/cancel', { taskId: 'msg_x' }, 404],
      ['/mesh/blackboard/delete', { key: 'never' }, 404],
      ['/mesh/blackboard/set', { key: 'k', value: 1, ifVersion: 5 }, 409],
      ['/mesh/blackboard/watch', { prefix: '', after: 0 }, 200],
      ['/mesh/handoff', { to: 'mallory', task: 'x', idempotencyKey: 'k' }, 400],
      ['/mesh/handoff', { to: 'workflow:none', task: 'x', idempotencyKey: 'k' }, 404],
    ] as const) {
      if (path.endsWith('watch')) continue;
      assert.equal(await ask(path, body), status, path);
    }
    // Twice what can be done once.
    assert.equal(await ask('/mesh/subscribe', { topic: 't', mode: 'inbox' }), 200);
    assert.equal(await ask('/mesh/publish', { topic: 't', payload: 1 }), 200);
    const [event] = JSON.parse((await askMesh(mesh, 'POST', '/mesh/events', {})).text).deliveries;
    const settled = { deliveryId: event.deliveryId, lease: event.lease };
    assert.equal(await ask('/mesh/events/ack', { ...settled, lease }), 409);
    assert.equal(await ask('/mesh/events/ack', settled), 200);
    assert.equal(await ask('/mesh/events/ack', settled), 404);
  });
});

test('one byte more than a limit is refused, on the limit it is taken', async () => {
  await asMallory(async (mesh) => {
    const ask = async (path: string, body: object) => (await askMesh(mesh, 'POST', path, body)).status;
    // As JSON a text takes two quotes more.
    const text = (bytes: number) => 'x'.repeat(bytes - 2);
    const { valueBytes } = BLACKBOARD_LIMITS;
    assert.equal(await ask('/mesh/blackboard/set', { key: 'k', value: text(valueBytes) }), 200);
    assert.equal(await ask('/mesh/blackboard/set', { key: 'k', value: text(valueBytes + 1) }), 413);
    assert.equal(await ask('/mesh/blackboard/set', { key: 'x'.repeat(512), value: 1 }), 200);
    assert.equal(await ask('/mesh/blackboard/set', { key: 'x'.repeat(513), value: 1 }), 400);
    const { payloadBytes } = PUBSUB_LIMITS;
    assert.equal(await ask('/mesh/publish', { topic: 't', payload: text(payloadBytes) }), 200);
    assert.equal(await ask('/mesh/publish', { topic: 't', payload: text(payloadBytes + 1) }), 413);
    const task = { to: 'carol', idempotencyKey: 'k' };
    assert.equal(
      await ask('/mesh/handoff', { ...task, task: 'ü'.repeat(TASK_LIMITS.taskBytes / 2 + 1) }),
      413,
    );
    assert.equal(await ask('/mesh/handoff', { ...task, task: 'x'.repeat(TASK_LIMITS.taskBytes) }), 200);
  });
});

test('watches without end, never read and never closed, are bounded, and give way when they close', async () => {
  await asMallory(async (mesh, fixture) => {
    const watch = async () => {
      const stream = mesh.request(
        { ':method': 'POST', ':path': '/mesh/blackboard/watch' },
        { endStream: false },
      );
      stream.on('error', () => {});
      stream.end('{}');
      const [answer] = await once(stream, 'response');
      return { stream, status: Number(answer[':status']) };
    };
    const open = await Promise.all(Array.from({ length: BLACKBOARD_LIMITS.watchesOfOne }, watch));
    assert.ok(open.every(({ status }) => status === 200));
    assert.equal((await watch()).status, 429);
    // Nobody reads: what is written meanwhile is held for none of them.
    for (let n = 0; n < 20; n += 1)
      await fixture.ask('POST', '/api/blackboard/set', { key: 'big', value: 'x'.repeat(200_000) });
    for (const { stream } of open) stream.destroy();
    let status = 429;
    for (let attempt = 0; attempt < 200 && status === 429; attempt += 1) {
      const again = await watch();
      status = again.status;
      again.stream.destroy();
    }
    assert.equal(status, 200);
  });
});

test('bodies that never end hold up nothing else', async () => {
  await asMallory(async (mesh) => {
    const endless = Array.from({ length: 20 }, () => {
      const stream = mesh.request(
        { ':method': 'POST', ':path': '/mesh/blackboard/set' },
        { endStream: false },
      );
      stream.on('error', () => {});
      stream.write('{"key":"k","value":"');
      return stream;
    });
    assert.equal((await askMesh(mesh, 'POST', '/mesh/blackboard/set', { key: 'k', value: 1 })).status, 200);
    for (const stream of endless) stream.close();
  });
});

test('an end of turn with what no result may be is none, and the turn is cut off; its line is bounded', async () => {
  const promotion = { key: 'k', value: 1 };
  const bad = [
    { result: JSON.parse(`${'['.repeat(70)}1${']'.repeat(70)}`) },
    { promotions: Array.from({ length: 51 }, () => promotion) },
    { promotions: [{ ...promotion, writer: 'bob' }] },
    { promotions: [{ key: 'x'.repeat(600), value: 1 }] },
    { promotions: [{ key: 'k', value: 'x'.repeat(3_000_000) }] },
  ];
  const read = async (more: object) => {
    const line = JSON.stringify({ type: 'turn_ended', status: 'complete', text: 'ok', ...more });
    for await (const event of readTurnEvents(Readable.from([Buffer.from(`${line}\n`)]))) return event.type;
    return null;
  };
  for (const more of bad) await assert.rejects(read(more), { rule: 'fleet.turn_stream' });
  const most = { result: 'x', promotions: Array.from({ length: 50 }, () => promotion) };
  assert.equal(await read(most), 'turn_ended');
});
