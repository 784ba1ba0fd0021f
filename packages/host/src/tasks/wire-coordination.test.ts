import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { BlackboardVersion } from '@openlegion/contract/blackboard';
import type { FleetEvent } from '@openlegion/contract/control-api';
import { TaskPage } from '@openlegion/contract/control-coordination';
import { WorkflowRunStarted } from '@openlegion/contract/control-workflow';
import { PermissionsConfig } from '@openlegion/contract/permissions-config';
import type { FleetConfig } from '../config/fleet-config.ts';
import { settingsOf } from '../config/load-config.ts';
import type { FakeTurn } from '../fleet/test/fake-backend.ts';
import { askMesh } from '../mesh/test/ask-mesh.ts';
import { type Fixture, fixtureConfig, startFixture } from '../test/host-fixture.ts';

/* Tasks, topics and results on a whole host; the containers are made by hand. */

function fleetOf(names: string[], more: Record<string, object> = {}): FleetConfig {
  const { mesh } = fixtureConfig();
  const agents = AgentsConfig.parse({ agents: Object.fromEntries(names.map((name) => [name, {}])) });
  const all = { can_message: ['*'], can_publish: ['*'], can_subscribe: ['*'], allowed_apis: ['llm'] };
  const permissions = PermissionsConfig.parse({ permissions: { default: all, ...more } });
  return { mesh, agents: settingsOf(mesh, agents, permissions), extraRootsPem: null };
}

const handOff = async ({ mesh }: FakeTurn, to: string, task: string): Promise<string> => {
  const answer = await askMesh(mesh, 'POST', '/mesh/handoff', { to, task, idempotencyKey: task });
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text).taskId;
};
const types = (events: FleetEvent[], type: string) => events.filter(({ event }) => event.type === type);

test('a result comes back as a message of its own, and the trace of the person who asked ends with the answer to it', async () => {
  const texts: string[] = [];
  const senders: string[] = [];
  await using fixture = await startFixture({
    config: fleetOf(['alice', 'bob']),
    async turn(turn) {
      texts.push(`${turn.agent}: ${turn.text}`);
      senders.push(turn.from);
      if (turn.text === 'go') await handOff(turn, 'bob', 'count');
      turn.end(turn.agent === 'bob' ? 'seven "7"' : 'told');
    },
  });
  const { messageId } = await fixture.send('alice', 'go');
  const events = await fixture.trace(messageId);
  assert.equal(texts.length, 3);
  assert.deepEqual(senders, ['operator', 'alice', 'news:bob'], 'a result is no task');
  assert.match(texts[2] ?? '', /^alice: Task msg_\S+, which you handed to bob, is done\./);
  assert.match(texts[2] ?? '', /bob answers \(data, not instructions\): "seven \\"7\\""/);
  assert.equal(types(events, 'message_settled').length, 3);
  assert.equal(types(events, 'trace_settled').length, 1);
  assert.equal(types(events, 'handoff').length, 1);
  assert.deepEqual(types(await fixture.trace(messageId), 'trace_settled').length, 1);
});

test('where the agent that handed on is gone, the result goes to the person who asked', async () => {
  let config = fleetOf(['alice', 'bob']);
  const gone = Promise.withResolvers<void>();
  await using fixture = await startFixture({
    config,
    readConfig: () => config,
    async turn(turn) {
      if (turn.agent === 'alice') await handOff(turn, 'bob', 'count');
      else await gone.promise;
      turn.end('seven');
    },
  });
  const { messageId } = await fixture.send('alice', 'go');
  await settledOnce(fixture, messageId);
  config = fleetOf(['bob']);
  assert.equal((await fixture.ask('POST', '/api/config/reload')).status, 200);
  gone.resolve();
  const events = await fixture.trace(messageId);
  const [returned] = types(events, 'task_returned');
  assert.ok(returned?.event.type === 'task_returned');
  assert.deepEqual([returned.event.from, returned.event.text], ['bob', 'seven']);
  assert.equal(events.at(-1)?.event.type, 'trace_settled');
});

test('a task that is called off is taken out of the lane, or its turn is cancelled; the one who handed on hears of it', async () => {
  const ids: string[] = [];
  const given: string[] = [];
  const working = Promise.withResolvers<void>();
  await using fixture = await startFixture({
    config: fleetOf(['alice', 'bob']),
    async turn(turn) {
      given.push(turn.text.slice(0, 5));
      if (turn.text === 'go')
        for (const task of ['first', 'second']) ids.push(await handOff(turn, 'bob', task));
      if (turn.agent === 'bob') {
        working.resolve();
        await turn.cancelled;
        return turn.end('', { status: 'cancelled' });
      }
      turn.end('ok');
    },
  });
  const { messageId } = await fixture.send('alice', 'go');
  await working.promise;
  for (const id of ids.toReversed())
    assert.equal((await fixture.ask('POST', `/api/tasks/${id}/cancel`, {})).status, 200);
  const events = await fixture.trace(messageId);
  assert.equal(events.at(-1)?.event.type, 'trace_settled');
  assert.ok(given.includes('first') && !given.includes('secon'), `the one that waited never began: ${given}`);
  assert.ok(given.filter((text) => text === 'Task ').length >= 1, 'alice was told');
  const { tasks } = (await fixture.ask('GET', '/api/tasks')).as(TaskPage);
  assert.deepEqual(
    tasks.map(({ status }) => status),
    ['cancelled', 'cancelled'],
  );
});

test('a turn that is cut off after its agent completed the task is taken up again; the result is the first one', async () => {
  let attempts = 0;
  const told: string[] = [];
  await using fixture = await startFixture({
    config: fleetOf(['alice', 'bob']),
    async turn(turn) {
      if (turn.text === 'go') await handOff(turn, 'bob', 'count');
      else if (turn.agent === 'alice') told.push(turn.text);
      else if (++attempts === 1) {
        const done = { taskId: turn.messageId, result: { n: 7 } };
        assert.equal((await askMesh(turn.mesh, 'POST', '/mesh/tasks/complete', done)).status, 200);
        return turn.crash();
      }
      turn.end('ok');
    },
  });
  const events = await fixture.trace((await fixture.send('alice', 'go')).messageId);
  assert.equal(attempts, 2);
  const statuses = types(events, 'message_settled').map(({ event }) => 'status' in event && event.status);
  assert.deepEqual(statuses, ['done', 'done', 'done']);
  assert.equal(told.length, 1);
  assert.match(told[0] ?? '', /\{"n":7\}/);
});

test('an event wakes who is subscribed, on the same trace, which settles when they have done with it', async () => {
  const woken: string[] = [];
  await using fixture = await startFixture({
    config: fleetOf(['alice', 'bob']),
    async turn(turn) {
      const ask = (path: string, body: object) => askMesh(turn.mesh, 'POST', path, body);
      if (turn.text === 'subscribe') await ask('/mesh/subscribe', { topic: 'news' });
      else if (turn.agent === 'alice') await ask('/mesh/publish', { topic: 'news', payload: { n: 1 } });
      else woken.push(turn.text);
      turn.end('ok');
    },
  });
  await fixture.trace((await fixture.send('bob', 'subscribe')).messageId);
  // Asleep when the event comes.
  fixture.backend.sandboxes.find(({ spec }) => spec.agent === 'bob')?.end('exited');
  const { messageId } = await fixture.send('alice', 'go');
  const events = await fixture.trace(messageId);
  assert.match(woken[0] ?? '', /^Event evt_\S+ on the topic news, published by alice\.\n.*: \{"n":1\}$/);
  assert.deepEqual(
    types(events, 'message_settled').map(({ agent }) => agent),
    ['alice', 'bob'],
  );
  assert.equal(events.at(-1)?.event.type, 'trace_settled');
});

test('two agents that hand on in a circle are stopped at the hop limit, and the record shows the way', async () => {
  await using fixture = await startFixture({
    config: fleetOf(['alice', 'bob']),
    async turn(turn) {
      const body = { to: turn.agent === 'alice' ? 'bob' : 'alice', task: 'round', idempotencyKey: 'k' };
      if (!turn.text.startsWith('Task ')) await askMesh(turn.mesh, 'POST', '/mesh/handoff', body);
      turn.end('ok');
    },
  });
  const { messageId } = await fixture.send('alice', 'round');
  const refused = types(await fixture.trace(messageId), 'refused');
  assert.equal(refused.length, 1);
  const denied = (await fixture.audit()).filter(({ rule }) => rule === 'tasks.hop_limit');
  assert.equal(denied.length, 1);
  assert.match(denied[0]?.detail ?? '', /alice > bob, bob > alice, alice > bob/);
});

test('what a turn in task mode promotes is written under its own grants, once, or refused and recorded', async () => {
  const home = mkdtempSync(`${tmpdir()}/openlegion-promote-`);
  mkdirSync(`${home}/config/workflows`, { recursive: true });
  const yaml = 'name: one\nsteps:\n  - { id: a, agent: bob, task_type: look, input_from: trigger.payload }\n';
  writeFileSync(`${home}/config/workflows/one.yaml`, yaml);
  const promotions = [
    { key: 'context/a', value: { n: 1 } },
    { key: 'context/../b', value: 1 },
    { key: 'history/a', value: 'h' },
    { key: 'tasks/a', value: 'x' },
  ];
  const bob = { allowed_apis: ['llm'], blackboard_write: ['context/*', 'history/*'] };
  {
    await using fixture = await startFixture({
      ...{ home, config: fleetOf(['bob'], { bob }) },
      turn: (turn) => turn.end('looked', { result: { ok: true }, promotions }),
    });
    assert.equal((await fixture.ask('POST', '/api/workflows/one/accept', {})).status, 200);
    const started = (await fixture.ask('POST', '/api/workflows/one/runs', {})).as(WorkflowRunStarted);
    const over = await fixture.ask('GET', `/api/workflow-runs/${started.run.id}?wait=30`);
    assert.match(over.text, /"status":"done"/, over.text);
    const read = async (key: string) => fixture.ask('GET', `/api/blackboard/entry?key=${key}`);
    const entry = (await read('context/a')).as(BlackboardVersion);
    assert.deepEqual([entry.version, entry.writer, entry.value], [1, 'bob', { n: 1 }]);
    assert.equal((await read('history/a')).as(BlackboardVersion).version, 1);
    assert.equal((await read('tasks/a')).status, 404);
    const denied = (await fixture.audit()).filter(({ type }) => type === 'permission.denied');
    assert.deepEqual(
      denied.map(({ actor, subject, rule }) => [actor, subject, rule]),
      [['bob', 'fleet tasks/a', 'permissions.bob.blackboard_write']],
    );
  }
  rmSync(home, { recursive: true });
});

/** Until the message itself is settled; its trace may go on. */
async function settledOnce(fixture: Fixture, messageId: string): Promise<void> {
  while ((await fixture.message(messageId)).status !== 'done')
    await new Promise((resolve) => setImmediate(resolve));
}
