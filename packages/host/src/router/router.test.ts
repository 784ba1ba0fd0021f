import assert from 'node:assert/strict';
import type { ClientHttp2Session } from 'node:http2';
import { test } from 'node:test';
import { HandoffAnswer } from '@openlegion/contract/mesh-api';
import type { FakeTurn } from '../fleet/test/fake-backend.ts';
import { askMesh } from '../mesh/test/ask-mesh.ts';
import { TASK_LIMITS } from '../tasks/task-limits.ts';
import { type Fixture, fixtureConfig, startFixture } from '../test/host-fixture.ts';

const handOff = (mesh: ClientHttp2Session, to: string, idempotencyKey = 'k', task = 'do it') =>
  askMesh(mesh, 'POST', '/mesh/handoff', { to, task, idempotencyKey });

/** alice answers `go` by `work`; everyone else just answers. */
async function inTurn(
  work: (turn: FakeTurn) => Promise<void>,
  after: (fixture: Fixture, messageId: string) => Promise<void>,
) {
  let failure: unknown;
  await using fixture = await startFixture({
    async turn(turn) {
      if (turn.text === 'go') await work(turn).catch((error) => (failure = error));
      turn.end(`done by ${turn.agent}`);
    },
  });
  const { messageId } = await fixture.send('alice', 'go');
  const events = await fixture.trace(messageId);
  if (failure) throw failure;
  assert.equal(events.at(-1)?.event.type, 'trace_settled');
  await after(fixture, messageId);
}

test('a hand-off is a task of the same trace, from the agent of the pipe; the trace settles when all of it has', async () => {
  await inTurn(
    async ({ mesh }) => {
      const answer = await handOff(mesh, 'bob');
      assert.equal(answer.status, 200);
      assert.equal(answer.as(HandoffAnswer).to, 'bob');
    },
    async (fixture, messageId) => {
      const events = await fixture.trace(messageId);
      const settled = events.filter(({ event }) => event.type === 'message_settled');
      assert.deepEqual(
        settled.map(({ agent }) => agent),
        ['alice', 'bob', 'alice'],
      );
      const task = events.find(({ event }) => event.type === 'handoff')?.event;
      assert.ok(task?.type === 'handoff');
      const view = await fixture.message(task.taskId);
      assert.equal(view.from, 'alice');
      assert.equal(view.text, 'do it');
      assert.equal(view.reply, 'done by bob');
    },
  );
});

test('the same key in the same turn makes one task; another text under it is a conflict', async () => {
  await inTurn(
    async ({ mesh }) => {
      const first = await handOff(mesh, 'bob');
      const second = await handOff(mesh, 'bob');
      assert.equal(second.as(HandoffAnswer).taskId, first.as(HandoffAnswer).taskId);
      assert.equal((await handOff(mesh, 'bob', 'k', 'something else')).status, 409);
    },
    async (fixture, messageId) => {
      const events = await fixture.trace(messageId);
      assert.equal(events.filter(({ event }) => event.type === 'handoff').length, 1);
    },
  );
});

test('whom an agent may not message, who is not there, and itself are refused, each recorded before the answer', async () => {
  await inTurn(
    async ({ mesh }) => {
      const carol = await handOff(mesh, 'carol');
      assert.equal(carol.status, 403);
      assert.equal(carol.refusal().rule, 'permissions.alice.can_message');
      const nobody = await handOff(mesh, 'nobody');
      // The same words for one that exists and one that does not.
      assert.equal(nobody.status, 403);
      assert.equal(nobody.refusal().message.replace('nobody', 'carol'), carol.refusal().message);
      assert.equal((await handOff(mesh, 'ghost')).status, 404);
      assert.equal((await handOff(mesh, 'alice')).status, 400);
    },
    async (fixture, messageId) => {
      const denied = (await fixture.audit()).filter(({ type }) => type === 'permission.denied');
      assert.deepEqual(
        denied.map(({ subject }) => subject),
        ['carol', 'nobody', 'ghost', 'alice'],
      );
      const refused = (await fixture.trace(messageId)).filter(({ event }) => event.type === 'refused');
      assert.equal(refused.length, 4);
    },
  );
});

test('a capability goes to one who has it and may be messaged, the least busy first', async () => {
  await inTurn(
    async ({ mesh }) => {
      const first = await handOff(mesh, 'capability:sum', '1');
      const second = await handOff(mesh, 'capability:sum', '2');
      assert.deepEqual([first.as(HandoffAnswer).to, second.as(HandoffAnswer).to].sort(), ['bob', 'dave']);
      const none = await handOff(mesh, 'capability:fly', '3');
      assert.equal(none.status, 403);
    },
    async () => {},
  );
});

test('outside of a turn nothing can be handed on', async () => {
  let mesh: ClientHttp2Session | undefined;
  await using fixture = await startFixture({
    turn(turn) {
      mesh = turn.mesh;
      turn.end('ok');
    },
  });
  const { messageId } = await fixture.send('alice', 'x');
  await fixture.trace(messageId);
  assert.ok(mesh);
  const late = await handOff(mesh, 'bob');
  assert.equal(late.status, 409);
  assert.equal(late.refusal().rule, 'tasks.no_turn');
});

test('two agents that hand on to each other for ever are stopped at the hop limit', async () => {
  const refusals: string[] = [];
  await using fixture = await startFixture({
    async turn(turn) {
      const answer = await handOff(turn.mesh, turn.agent === 'alice' ? 'bob' : 'alice');
      if (answer.status !== 200) refusals.push(answer.refusal().rule);
      turn.end('ok');
    },
  });
  const { messageId } = await fixture.send('alice', 'x');
  const events = await fixture.trace(messageId);
  assert.ok(refusals.length > 0 && refusals.every((rule) => /^tasks\.(hop|trace)_limit$/.test(rule)));
  const turns = events.filter(({ event }) => event.type === 'message_settled').length;
  assert.ok(turns <= 1 + 2 * TASK_LIMITS.ofTrace, `${turns} turns`);
  assert.equal(events.filter(({ event }) => event.type === 'trace_settled').length, 1);
});

test('an unknown agent is named to the operator with what was probably meant', async () => {
  await using fixture = await startFixture({ config: fixtureConfig() });
  const answer = await fixture.ask('POST', '/api/agents/alcie/messages', { text: 'x' });
  assert.equal(answer.status, 404);
  assert.match(answer.refusal().remedy, /"alice"/);
});

test('the operator’s idempotency key makes one message of two, and refuses another text', async () => {
  await using fixture = await startFixture({});
  const first = await fixture.send('alice', 'x', { idempotencyKey: 'k' });
  const second = await fixture.send('alice', 'x', { idempotencyKey: 'k' });
  assert.equal(second.messageId, first.messageId);
  const other = await fixture.ask('POST', '/api/agents/alice/messages', { text: 'y', idempotencyKey: 'k' });
  assert.equal(other.status, 409);
});
