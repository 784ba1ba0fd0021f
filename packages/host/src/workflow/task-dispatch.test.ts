import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskView } from '@openlegion/contract/task';
import type { NewTask } from '../tasks/create-task.ts';
import { originName } from '../tasks/task-row.ts';
import type { StepTask } from './step-dispatch.ts';
import { createTaskDispatch } from './task-dispatch.ts';

const TASK: StepTask = {
  ...{
    key: 'wfr_1/a/0/1',
    run: 'wfr_1',
    workflow: 'w',
    step: 'a',
    index: 0,
    attempt: 1,
    to: { agent: 'bob' },
  },
  ...{ taskType: 'x', description: '', input: { n: 1 }, context: {}, timeoutMs: 1000, traceId: 't', hops: 2 },
  ...{ parentId: null, outputSchema: undefined },
};

/** Tasks in memory, and a dispatch over them. */
function open(options: { closed?: boolean; capable?: string[] } = {}) {
  const made = new Map<string, TaskView & { key: string; details: unknown }>();
  const messages = new Map<string, 'queued' | 'running' | 'done' | 'cancelled'>();
  const refusal = { code: 'denied', rule: 'r', message: 'No.', remedy: 'x' } as const;
  const change = (id: string, changes: Partial<TaskView>) => {
    const task = made.get(id);
    assert.ok(task);
    made.set(id, { ...task, ...changes });
  };
  const find = (id: string) => made.get(id) ?? null;
  let ids = 0;
  const dispatch = createTaskDispatch({
    tasks: {
      find,
      async create({ id, origin, idempotencyKey: key, text, details, ...task }: NewTask) {
        const view = {
          ...task,
          taskId: id,
          origin,
          key,
          task: text,
          details,
          status: 'pending',
          note: '',
        } as const;
        const times = { result: null, refusal: null, createdAt: '', updatedAt: '', finishedAt: null };
        made.set(id, { ...view, ...times });
        return { ok: true, value: { ...view, ...times } };
      },
      findByKey: (origin, key) =>
        [...made.values()].find((task) => task.key === key && originName(task.origin) === origin) ?? null,
      async move({ taskId, to }) {
        change(taskId, { status: to });
        const task = find(taskId);
        assert.ok(task);
        return { ok: true, value: task };
      },
    },
    pubsub: { publish: async () => ({ ok: true, value: { eventId: 'evt_1', subscribers: 2 } }) },
    choose: () => {
      const [agent] = options.capable ?? [];
      return agent === undefined ? { ok: false, refusal } : { ok: true, agent };
    },
    closedFor: () => (options.closed ? refusal : null),
    namespaceOf: () => 'fleet',
    messageOf(id) {
      const status = messages.get(id);
      return status === undefined ? null : { status, chargedMicroUsd: 7 };
    },
    warn: assert.fail,
    newId: () => `msg_${++ids}`,
    newEventId: () => 'evt',
  });
  const end = (id: string, changes: Partial<TaskView>) => {
    change(id, changes);
    const task = find(id);
    assert.ok(task);
    dispatch.ended(task);
  };
  return { dispatch, made, messages, end };
}
const tick = () => new Promise((resolve) => setImmediate(resolve));

test('a step is one task, joined by whoever asks again, also when it has ended', async () => {
  const { dispatch, made, messages, end } = open();
  const first = dispatch.run(TASK);
  await tick();
  const [task] = made.values();
  assert.deepEqual(
    [task?.assignee, task?.hops, task?.details],
    ['bob', 3, { type: 'x', input: { n: 1 }, context: null, outputSchema: null }],
  );
  messages.set('msg_1', 'done');
  end('msg_1', { status: 'done', result: { ok: true } });
  const outcome = { kind: 'done', result: { ok: true }, costMicroUsd: 7 };
  assert.deepEqual([await first, await dispatch.run(TASK), made.size], [outcome, outcome, 1]);
});

test('an answer in words that is JSON is that; any other is the text that it is', async () => {
  for (const [reply, result] of [
    ['{"score": 3}', { score: 3 }],
    ['```json\n[1, 2]\n```', [1, 2]],
    ['the score is {3}', 'the score is {3}'],
    ['{broken', '{broken'],
    [7, 7],
  ] as const) {
    const { dispatch, end } = open();
    const run = dispatch.run(TASK);
    await tick();
    end('msg_1', { status: 'done', result: reply });
    const outcome = await run;
    assert.deepEqual(outcome.kind === 'done' && outcome.result, result);
  }
});

test('what was cut off is unknown, what failed has failed, what could not begin is refused', async () => {
  for (const [rule, kind] of [
    ['fleet.turn', 'unknown'],
    ['fleet.agent_ended', 'unknown'],
    ['lanes.attempts', 'unknown'],
    ['pipe.ended', 'unknown'],
    ['budget.daily', 'failed'],
    ['tasks.assignee', 'failed'],
  ] as const) {
    const { dispatch, end } = open();
    const run = dispatch.run(TASK);
    await tick();
    const refusal = { code: 'upstream_failed', rule, message: 'It ended.', remedy: 'x' } as const;
    end('msg_1', { status: 'failed', refusal });
    assert.equal((await run).kind, kind, rule);
  }
  assert.equal((await open({ closed: true }).dispatch.run(TASK)).kind, 'refused');
  const nobody = await open().dispatch.run({ ...TASK, to: { capability: 'sum' } });
  assert.equal(nobody.kind, 'refused');
  const topic = await open().dispatch.run({ ...TASK, to: { topic: 'done' } });
  assert.deepEqual(topic.kind === 'done' && topic.result, { event: 'evt_1', subscribers: 2 });
});

test('a capability is chosen once: a restart joins whoever was given it', async () => {
  const capable = ['bob'];
  const { dispatch, made } = open({ capable });
  const task: StepTask = { ...TASK, to: { capability: 'sum' } };
  void dispatch.run(task);
  await tick();
  capable[0] = 'carol';
  void dispatch.run(task);
  await tick();
  assert.deepEqual(
    [...made.values()].map(({ assignee }) => assignee),
    ['bob'],
  );
});

test('a cancelled step has ended when its turn has; one that no turn has begun with, at once', async () => {
  const { dispatch, messages } = open();
  let over = false;
  const run = dispatch.run(TASK).then((outcome) => {
    over = true;
    return outcome;
  });
  await tick();
  messages.set('msg_1', 'running');
  dispatch.cancel(TASK.key);
  await tick();
  assert.equal(over, false);
  messages.set('msg_1', 'cancelled');
  dispatch.settled('msg_1');
  assert.equal((await run).kind, 'cancelled');

  const other = open();
  const waiting = other.dispatch.run(TASK);
  await tick();
  other.dispatch.cancel(TASK.key);
  assert.equal((await waiting).kind, 'cancelled');
});
