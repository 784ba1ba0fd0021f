import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { TurnEvent } from '@openlegion/contract/turn-event';
import { createInterrupt } from '../loop/interrupt.ts';
import { createOfferTools } from '../loop/offer-tools.ts';
import { runTurn } from '../loop/run-turn.ts';
import type { ModelEvent, ModelRequest } from '../model/model-stream.ts';
import { callTools, fakeTool, say, type TurnRig, temporaryDirectory, turnRig } from '../testing/turn-rig.ts';
import type { AnyTool } from '../tools/tool.ts';
import { createSubagents, type Subagents } from './create-subagents.ts';
import { createListSubagents } from './list-subagents.ts';
import { createSpawnSubagent } from './spawn-subagent.ts';

/** The agent with helpers; `answer` is given the task of whoever asks (`do it` is the agent's own) and the results so far. */
function rigOf(
  directory: string,
  answer: (task: string, results: string[], request: ModelRequest) => Promise<ModelEvent[]> | ModelEvent[],
  more: readonly AnyTool[] = [],
): { rig: TurnRig; subagents: Subagents; offered: Map<string, string[]> } {
  const offered = new Map<string, string[]>();
  const stream = async function* play(request: ModelRequest, signal: AbortSignal) {
    const messages = request.turns.at(-1)?.messages ?? [];
    const asked = messages.find(({ role }) => role === 'user');
    const results = messages.flatMap((message) =>
      message.role === 'tool' ? message.results.map(({ output }) => output) : [],
    );
    const task = asked?.role === 'user' ? asked.text : '';
    offered.set(
      task,
      request.tools.map(({ name }) => name),
    );
    const gone = new Promise<ModelEvent[]>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason)),
    );
    yield* await Promise.race([answer(task, results, request), gone]);
  };
  const tools: AnyTool[] = [];
  const subagents = createSubagents({
    name: 'assistant',
    history: {
      beginTurn: (message) => rig.history.beginTurn(message),
      traceOf: (messageId) => rig.history.traceOf(messageId),
    },
    run: (turn) => runTurn(rig.parts, turn),
    log: (error) => assert.fail(String(error)),
  });
  tools.push(createSpawnSubagent(subagents), createListSubagents(subagents), ...more);
  const definitions = tools.map(({ name }) => ({ name, description: name, inputSchema: {} }));
  const rig = turnRig({
    file: `${directory}/a.db`,
    stream,
    offer: createOfferTools({
      own: { tools: new Map(tools.map((tool) => [tool.name, tool])), withheld: new Set(), definitions },
      sources: [],
      granted: [],
      depthOf: subagents.depthOf,
    }),
  });
  return { rig, subagents, offered };
}

const spawn = (task: string, wait = true) => ({ tool: 'spawn_subagent', input: { task, wait } });
const outputs = (events: readonly TurnEvent[]) =>
  events.flatMap((event) => (event.type === 'tool_ended' ? [event.preview] : []));

test('what a helper answers is the result of the call; it knows the task alone, and its own turn is kept', async () => {
  using directory = temporaryDirectory();
  const { rig } = rigOf(directory.path, (task, results) => {
    if (task === 'count the files') return say('there are seven');
    return results.length === 0 ? callTools(spawn('count the files')) : say(`it says: ${results[0]}`);
  });
  const events = await rig.run('m1', { from: 'user' });
  assert.deepEqual(events.at(-1), {
    type: 'turn_ended',
    status: 'complete',
    text: 'it says: there are seven',
  });
  const kept = rig.history.page(10).entries.filter(({ messageId }) => messageId === 'm1/call_1_0');
  assert.deepEqual(
    kept.map(({ text }) => text),
    ['count the files', 'there are seven'],
  );
  const next = rig.history.placedMessages('m1', { seq: 0, entry: 0 });
  assert.ok(
    next.every(({ messageId }) => messageId === 'm1'),
    'the agent’s own prompt holds the result alone',
  );
});

test('three at once, a fourth is refused; another may start when one has ended', async () => {
  using directory = temporaryDirectory();
  const all = Promise.withResolvers<void>();
  let begun = 0;
  const { rig } = rigOf(directory.path, async (task, results) => {
    if (task !== 'do it') {
      if (++begun === 3) all.resolve();
      await all.promise;
      return say(`${task} done`);
    }
    if (results.length === 0) return callTools(spawn('a'), spawn('b'), spawn('c'), spawn('d'));
    return results.length === 4 ? callTools(spawn('e')) : say('end');
  });
  const ended = outputs(await rig.run('m1'));
  assert.deepEqual(ended.toSorted(), [
    'a done',
    'b done',
    'c done',
    'e done',
    'not started: 3 subagents run already: wait for one to end',
  ]);
});

test('helpers of helpers end at depth two, and none of them can change the agent', async () => {
  using directory = temporaryDirectory();
  const more = ['create_skill', 'reload_skills', 'memory_save', 'read_file'].map((name) =>
    fakeTool(name, async () => ({ outcome: 'ok', output: name })),
  );
  const { rig, offered } = rigOf(
    directory.path,
    (task, results) => {
      if (results.length > 0) return say(results.join());
      if (task === 'do it') return callTools(spawn('first'));
      return callTools(spawn(task === 'first' ? 'second' : 'third'), { tool: 'create_skill', input: {} });
    },
    more,
  );
  const events = await rig.run('m1');
  const names = (task: string) => offered.get(task)?.toSorted();
  assert.deepEqual(names('do it'), [
    'create_skill',
    'list_subagents',
    'memory_save',
    'read_file',
    'reload_skills',
    'spawn_subagent',
  ]);
  assert.deepEqual(names('first'), ['list_subagents', 'read_file', 'spawn_subagent']);
  assert.deepEqual(names('second'), ['list_subagents', 'read_file']);
  assert.ok(!offered.has('third'));
  assert.match(outputs(events).join('\n'), /there is no tool spawn_subagent/);
  assert.match(outputs(events).join('\n'), /there is no tool create_skill/);
});

test('the depth is refused where a helper is started, too', () => {
  const over = new AbortController();
  const one = { messageId: 'x', callId: 'c', signal: over.signal };
  const subagents = createSubagents({
    name: 'a',
    history: { beginTurn: () => ({ state: 'new' }), traceOf: () => 't' },
    run: ({ interrupt }) =>
      new Promise((resolve) => interrupt.signal.addEventListener('abort', () => resolve())),
    log: () => {},
  });
  const first = subagents.start('1', one);
  assert.ok('id' in first && first.depth === 1);
  const second = subagents.start('2', { ...one, messageId: 'x/c' });
  assert.ok('id' in second && second.depth === 2);
  const third = subagents.start('3', { ...one, messageId: 'x/c/c' });
  assert.ok('refused' in third && /depth 2/.test(third.refused));
  over.abort();
});

test('what is not waited for goes on, and is listed with its answer', async () => {
  using directory = temporaryDirectory();
  const { rig } = rigOf(directory.path, (task, results) => {
    if (task === 'slow') return say('slow is done');
    if (results.length === 0) return callTools(spawn('slow', false));
    if (results.length === 1) return callTools({ tool: 'list_subagents', input: { wait_s: 60 } });
    return say('end');
  });
  const [begun, listed] = outputs(await rig.run('m1'));
  assert.equal(begun, 'subagent-1 has begun');
  assert.equal(listed, 'subagent-1 (complete): slow\nslow is done');
});

test('after its lifetime a helper is ended, and what it said until then is its answer', async (context: TestContext) => {
  using directory = temporaryDirectory();
  const begun = Promise.withResolvers<void>();
  const { rig } = rigOf(directory.path, (task, results) => {
    if (task === 'do it') return results.length === 0 ? callTools(spawn('endless')) : say('end');
    begun.resolve();
    return new Promise(() => {});
  });
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const running = rig.run('m1');
  await begun.promise;
  context.mock.timers.tick(300_000);
  const events = await running;
  assert.match(outputs(events).at(-1) ?? '', /ended after 300 s/);
  assert.equal(events.at(-1)?.type === 'turn_ended' && 'complete', 'complete');
});

test('a cancel of the turn ends its helpers', async () => {
  using directory = temporaryDirectory();
  const interrupt = createInterrupt();
  const { rig, subagents } = rigOf(directory.path, (task) => {
    if (task === 'do it') return callTools(spawn('endless'));
    interrupt.raise('cancelled');
    return new Promise(() => {});
  });
  const events = await rig.run('m1', { interrupt });
  const end = events.at(-1);
  assert.equal(end?.type === 'turn_ended' && end.status, 'cancelled');
  const [one] = subagents.list();
  await one?.ended;
  assert.equal(one?.state, 'cancelled');
});

test('what a helper does is told in the turn of the agent, under names that are its own', async () => {
  using directory = temporaryDirectory();
  const { rig } = rigOf(
    directory.path,
    (task, results) => {
      if (results.length > 0) return say('end');
      return task === 'do it' ? callTools(spawn('look')) : callTools({ tool: 'read_file', input: {} });
    },
    [fakeTool('read_file', async () => ({ outcome: 'ok', output: 'text' }))],
  );
  const events = await rig.run('m1');
  assert.deepEqual(
    events.flatMap((event) => (event.type === 'tool_started' ? [`${event.callId} ${event.tool}`] : [])),
    ['call_1_0 spawn_subagent', 'call_1_0/call_1_0 read_file'],
  );
  assert.equal(events.filter(({ type }) => type === 'turn_ended').length, 1);
});
