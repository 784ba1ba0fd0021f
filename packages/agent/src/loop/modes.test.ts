import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TurnEvent } from '@openlegion/contract/turn-event';
import type { TaskGiven } from '../history/prompt-turn.ts';
import type { ModelEvent } from '../model/model-stream.ts';
import { callTools, fakeTool, playModel, say, temporaryDirectory, turnRig } from '../testing/turn-rig.ts';
import { createInterrupt } from './interrupt.ts';

const echo = fakeTool('echo', async (value) => ({ outcome: 'ok', output: `echo ${value}` }));
const task = (outputSchema: TaskGiven['outputSchema']): TaskGiven => ({
  type: 'qualify',
  input: { lead: 'acme' },
  context: null,
  outputSchema,
});
const SCORE = {
  type: 'object',
  properties: { score: { type: 'integer', minimum: 0 } },
  required: ['score'],
};

function endOf(events: readonly TurnEvent[]) {
  const end = events.at(-1);
  assert.ok(end?.type === 'turn_ended');
  return end;
}

/** An answer that the limit of tokens cut off. */
function cut(text: string): ModelEvent[] {
  return say(text).map((event) => (event.type === 'finished' ? { ...event, reason: 'length' } : event));
}

for (const [mode, iterations] of [
  ['task', 20],
  ['heartbeat', 12],
  ['subagent', 10],
] as const) {
  test(`a ${mode} has ${iterations} model calls, and the calls of the last are not run`, async () => {
    using directory = temporaryDirectory();
    let ran = 0;
    const counts = fakeTool('counts', async () => ({ outcome: 'ok', output: `${++ran}` }));
    const model = playModel(() => callTools({ tool: 'counts', input: { value: `${ran}` } }));
    const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream, tools: [counts] });
    const events = await rig.run('m1', { mode });
    assert.equal(model.requests.length, iterations);
    assert.equal(ran, iterations - 1);
    assert.equal(endOf(events).refusal?.rule, `agent.iterations_per_${mode}`);
    const note = model.requests.at(-1)?.turns.at(-1)?.messages.at(-1);
    assert.ok(note?.role === 'note' && /last of your rounds/.test(note.text));
  });
}

test('limits hold across a restart, and a last answer that was not given yet is still asked for', async () => {
  using directory = temporaryDirectory();
  const gone = createInterrupt();
  let asked = 0;
  const model = playModel(() => {
    asked++;
    if (asked === 12) gone.raise('detached');
    return asked > 12 ? say('done') : callTools({ tool: 'echo', input: { value: `${asked}` } });
  });
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream, tools: [echo] });
  await rig.run('m1', { mode: 'heartbeat', interrupt: gone });
  const again = await rig.run('m1', { mode: 'heartbeat' });
  assert.equal(asked, 12);
  assert.equal(endOf(again).refusal?.rule, 'agent.iterations_per_heartbeat');

  const other = createInterrupt();
  asked = 20;
  const stopped = fakeTool('stopped', async () => {
    other.raise('detached');
    return { outcome: 'ok', output: '' };
  });
  const calls = (tool: string) => callTools({ tool, input: { value: `${Math.random()}` } });
  const second = playModel(...Array.from({ length: 10 }, () => calls('echo')), calls('stopped'), say('late'));
  const before = turnRig({ file: `${directory.path}/b.db`, stream: second.stream, tools: [echo, stopped] });
  await before.run('m2', { mode: 'heartbeat', interrupt: other });
  assert.equal(endOf(await before.run('m2', { mode: 'heartbeat' })).text, 'late');
});

test('a task ends with the value that its answer states, and tells it again when asked again', async () => {
  using directory = temporaryDirectory();
  const model = playModel(
    callTools({ tool: 'echo', input: {} }),
    say('Here it is:\n```json\n{"score": 7}\n```'),
  );
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream, tools: [echo] });
  const events = await rig.run('m1', { mode: 'task', task: task(SCORE) });
  const end = endOf(events);
  assert.deepEqual([end.status, end.result], ['complete', { score: 7 }]);
  const again = await rig.run('m1', { mode: 'task', task: task(SCORE) });
  assert.deepEqual(endOf(again), end);
  await assert.rejects(rig.run('m1', { mode: 'task', task: task(null) }), { code: 'conflict' });
});

test('a result that does not fit is asked for again twice, then the task fails and says why', async () => {
  using directory = temporaryDirectory();
  const model = playModel(say('no idea'), say('{"score": "high"}'), say('{"score": 3}'));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream });
  assert.deepEqual(endOf(await rig.run('m1', { mode: 'task', task: task(SCORE) })).result, { score: 3 });
  const asked = model.requests.at(-1)?.turns.at(-1)?.messages.at(-1);
  assert.ok(asked?.role === 'note' && /score: .*number/.test(asked.text), JSON.stringify(asked));

  const stubborn = playModel(say('{"score": -1}'));
  const second = turnRig({ file: `${directory.path}/b.db`, stream: stubborn.stream });
  const end = endOf(await second.run('m1', { mode: 'task', task: task(SCORE) }));
  assert.equal(stubborn.requests.length, 3);
  assert.deepEqual([end.status, end.refusal?.rule], ['failed', 'agent.task_result']);
  assert.equal(end.result, undefined);
});

test('a task may ask for entries of the blackboard beside its result', async () => {
  using directory = temporaryDirectory();
  const answer = { result: { score: 1 }, promote: { 'context/acme': { seen: true } } };
  const model = playModel(say(JSON.stringify(answer)));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream });
  const end = endOf(await rig.run('m1', { mode: 'task', task: task(SCORE) }));
  assert.deepEqual(end.result, { score: 1 });
  assert.deepEqual(end.promotions, [{ key: 'context/acme', value: { seen: true } }]);
  assert.deepEqual(endOf(await rig.run('m1', { mode: 'task', task: task(SCORE) })), end);
});

test('without a schema any answer is a result: JSON as what it is, other text as text', async () => {
  using directory = temporaryDirectory();
  const model = playModel(say('[1, 2]'), say('It went well, see [1] and {}.'));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream });
  assert.deepEqual(endOf(await rig.run('m1', { mode: 'task' })).result, [1, 2]);
  assert.equal(endOf(await rig.run('m2', { mode: 'task' })).result, 'It went well, see [1] and {}.');
  const fenced = playModel(say('Done:\n```json\n{"result": 1, "promote": {"a/b": 2}}\n```'));
  const second = turnRig({ file: `${directory.path}/b.db`, stream: fenced.stream });
  assert.equal(endOf(await second.run('m1', { mode: 'task' })).result, 1);
});

test('a result that is too large or too deep is not passed on', async () => {
  using directory = temporaryDirectory();
  const deep = `${'['.repeat(100)}${']'.repeat(100)}`;
  for (const [index, text] of [JSON.stringify('x'.repeat(200_001)), deep].entries()) {
    const model = playModel(say(text));
    const rig = turnRig({ file: `${directory.path}/${index}.db`, stream: model.stream });
    assert.equal(endOf(await rig.run('m1', { mode: 'task' })).refusal?.rule, 'agent.task_result');
  }
});

test('a task shows nothing of the chat, and the chat nothing of it', async () => {
  using directory = temporaryDirectory();
  const model = playModel(say('one'));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream });
  await rig.run('m1');
  await rig.run('t1', { mode: 'task', from: 'planner' });
  await rig.run('m2');
  const shown = model.requests.map(({ turns }) => turns.map(({ messageId }) => messageId));
  assert.deepEqual(shown, [['m1'], ['t1'], ['m1', 'm2']]);
});

test('an answer that its limit of tokens cut off is continued five times at most, as one text', async () => {
  using directory = temporaryDirectory();
  const model = playModel(cut('one '), cut('two '), say('three'), cut('x'));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream });
  const end = endOf(await rig.run('m1'));
  assert.deepEqual([end.status, end.text], ['complete', 'one two three']);
  const endless = endOf(await rig.run('m2'));
  assert.equal(model.requests.length, 3 + 6);
  assert.match(endless.text, /^xxxxxx\n\[… the answer ends here/);
});

test('a continued answer is one text across a restart too', async () => {
  using directory = temporaryDirectory();
  const gone = createInterrupt();
  const model = playModel(
    cut('first half, '),
    () => {
      gone.raise('detached');
      return [];
    },
    say('second half'),
  );
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream });
  await rig.run('m1', { interrupt: gone });
  assert.equal(endOf(await rig.run('m1')).text, 'first half, second half');
});

test('what sanitising took out of a message and of an output is told', async () => {
  using directory = temporaryDirectory();
  const hidden = fakeTool('page', async () => ({
    outcome: 'ok',
    output: `a${'\u200B'.repeat(3)}<|im_end|>`,
  }));
  const model = playModel(callTools({ tool: 'page', input: {} }), say('done'));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream, tools: [hidden] });
  const events = await rig.run('m1', { text: 'hi\u{E0041}' });
  assert.deepEqual(
    events.filter(({ type }) => type === 'sanitised'),
    [
      { type: 'sanitised', source: 'message', removed: 2, escaped: 0 },
      { type: 'sanitised', source: 'page', removed: 3, escaped: 1 },
    ],
  );
});
