import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TurnEvent } from '@openlegion/contract/turn-event';
import type { ResultEntry } from '../history/entry.ts';
import type { ModelRequest } from '../model/model-stream.ts';
import { callTools, fakeTool, playModel, say, temporaryDirectory, turnRig } from '../testing/turn-rig.ts';
import type { ToolResult } from '../tools/tool.ts';
import { createInterrupt } from './interrupt.ts';

const echo = fakeTool('echo', async (value) => ({ outcome: 'ok', output: `echo ${value}` }));
const types = (events: readonly TurnEvent[]) => events.map((event) => event.type);
/** The results of tools that the newest request shows of its turn. */
function results(requests: readonly ModelRequest[]): ResultEntry[] {
  const messages = requests.at(-1)?.turns.at(-1)?.messages ?? [];
  return messages.flatMap((message) => (message.role === 'tool' ? message.results : []));
}

test('an answer without calls ends the turn, with events that the contract takes', async () => {
  using directory = temporaryDirectory();
  const model = playModel(say('hello'));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream });
  const events = await rig.run('m1');
  for (const event of events) TurnEvent.parse(event);
  assert.deepEqual(events, [
    { type: 'turn_started', resumed: false },
    { type: 'model_call', model: 'scripted/m', round: 1 },
    { type: 'text_delta', text: 'hello' },
    { type: 'turn_ended', status: 'complete', text: 'hello' },
  ]);
});

test('the second message is asked with the first in its history; a reset leaves it out', async () => {
  using directory = temporaryDirectory();
  const model = playModel(say('one'), say('two'), say('three'));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream });
  await rig.run('m1', { text: 'first' });
  await rig.run('m2', { text: 'second' });
  assert.deepEqual(
    model.requests[1]?.turns.map((turn) => turn.messages.length),
    [2, 1],
  );
  rig.history.reset();
  await rig.run('m3', { text: 'third' });
  assert.deepEqual(
    model.requests[2]?.turns.map((turn) => turn.messageId),
    ['m3'],
  );
  assert.equal(rig.history.page(10).entries.length, 6);
});

test('calls run at the same time, and their results stand in the order of the calls', async () => {
  using directory = temporaryDirectory();
  const second = Promise.withResolvers<void>();
  const slow = fakeTool('slow', async () => {
    await second.promise;
    return { outcome: 'ok', output: 'slow' };
  });
  const quick = fakeTool('quick', async () => {
    second.resolve();
    return { outcome: 'ok', output: 'quick' };
  });
  const model = playModel(callTools({ tool: 'slow', input: {} }, { tool: 'quick', input: {} }), say('done'));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream, tools: [slow, quick] });
  await rig.run('m1');
  assert.deepEqual(
    results(model.requests).map(({ output, callId }) => [output, callId]),
    [
      ['slow', 'call_1_0'],
      ['quick', 'call_1_1'],
    ],
  );
});

test('whatever goes wrong in a call is a result that the model reads', async () => {
  using directory = temporaryDirectory();
  const throws = fakeTool('throws', async () => {
    throw new Error('it broke');
  });
  const hangs = fakeTool('hangs', () => new Promise<ToolResult>(() => {}), 1);
  const model = playModel(
    callTools(
      { tool: 'throws', input: {} },
      { tool: 'hangs', input: {} },
      { tool: 'missing', input: {} },
      { tool: 'kept_back', input: {} },
      { tool: 'echo', input: '{"value": ' },
      { tool: 'echo', input: { value: 1 } },
      { tool: 'echo', input: { value: 'x', extra: true } },
      { tool: 'echo', input: '' },
    ),
    say('done'),
  );
  const rig = turnRig({
    file: `${directory.path}/a.db`,
    stream: model.stream,
    tools: [throws, hangs, echo],
    withheld: ['kept_back'],
  });
  const events = await rig.run('m1');
  assert.equal(events.at(-1)?.type, 'turn_ended');
  const seen = results(model.requests);
  assert.deepEqual(
    seen.map(({ outcome }) => outcome),
    ['error', 'error', 'error', 'refused', 'error', 'error', 'error', 'ok'],
  );
  const text = seen.map(({ output }) => output);
  assert.match(text[0] ?? '', /it broke/);
  assert.match(text[1] ?? '', /stopped after 0.001 s/);
  assert.match(text[2] ?? '', /no tool missing; there are: throws, hangs, echo/);
  assert.match(text[3] ?? '', /not given to this agent/);
  assert.match(text[4] ?? '', /not JSON/);
  assert.match(text[5] ?? '', /value: .*string/);
  assert.match(text[6] ?? '', /extra/);
});

test('a model whose calls cannot be read is given three tries', async () => {
  using directory = temporaryDirectory();
  let made = 0;
  const model = playModel(() => callTools({ tool: 'echo', input: `{bad ${made++}` }));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream, tools: [echo] });
  const events = await rig.run('m1');
  assert.equal(model.requests.length, 3);
  const end = events.at(-1);
  assert.equal(end?.type === 'turn_ended' && end.refusal?.rule, 'agent.malformed_calls');
});

test('the same call again and again is warned of, then not run, then ends the turn', async () => {
  using directory = temporaryDirectory();
  let ran = 0;
  const tool = fakeTool('poll', async () => ({ outcome: 'ok', output: `run ${++ran}` }));
  const model = playModel(callTools({ tool: 'poll', input: {} }));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream, tools: [tool] });
  const events = await rig.run('m1');
  assert.equal(ran, 4);
  assert.equal(model.requests.length, 10);
  const outputs = events.flatMap((event) => (event.type === 'tool_ended' ? [event.preview] : []));
  assert.match(outputs[2] ?? '', /will be blocked/);
  assert.match(outputs[4] ?? '', /not run/);
  const end = events.at(-1);
  assert.equal(end?.type === 'turn_ended' && end.refusal?.rule, 'agent.loop_detector');
});

test('thirty rounds of calls are a turn', async () => {
  using directory = temporaryDirectory();
  let made = 0;
  const model = playModel(() => callTools({ tool: 'echo', input: { value: String(made++) } }));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream, tools: [echo] });
  const events = await rig.run('m1');
  assert.equal(model.requests.length, 31);
  const ends = events.flatMap((event) => (event.type === 'tool_ended' ? [event.outcome] : []));
  assert.deepEqual(ends, [...Array.from({ length: 30 }, () => 'ok'), 'refused']);
  const end = events.at(-1);
  assert.equal(end?.type === 'turn_ended' && end.refusal?.rule, 'agent.rounds_per_turn');
  assert.deepEqual(types(events).slice(-2), ['refused', 'turn_ended']);
});

test('two hundred rounds are a session, until it is reset', async () => {
  using directory = temporaryDirectory();
  let made = 0;
  const model = playModel(() => callTools({ tool: 'echo', input: { value: String(made++) } }));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream, tools: [echo] });
  let last: TurnEvent | undefined;
  for (let turn = 1; turn <= 7; turn++) last = (await rig.run(`m${turn}`)).at(-1);
  assert.equal(made, 200);
  assert.equal(last?.type === 'turn_ended' && last.refusal?.rule, 'agent.rounds_per_session');
  rig.history.reset();
  await rig.run('m8');
  assert.equal(made, 231);
});

test('more calls in one answer than the bound are refused as results', async () => {
  using directory = temporaryDirectory();
  const calls = Array.from({ length: 33 }, (_, index) => ({ tool: 'echo', input: { value: `${index}` } }));
  const model = playModel(callTools(...calls), say('done'));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream, tools: [echo] });
  await rig.run('m1');
  assert.deepEqual(
    results(model.requests).map(({ outcome }) => outcome),
    [...Array.from({ length: 32 }, () => 'ok'), 'refused'],
  );
});

test('what is steered is read before the next model call, and calls not begun by then are left', async () => {
  using directory = temporaryDirectory();
  const model = playModel(
    callTools(
      ...Array.from({ length: 10 }, (_, index) => ({ tool: 'steers', input: { value: `${index}` } })),
    ),
    say('as you say'),
  );
  let ran = 0;
  const steers = fakeTool('steers', async () => {
    if (ran++ === 0) rig.history.addSteer('m1', 'stop that');
    return { outcome: 'ok', output: '' };
  });
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream, tools: [steers] });
  const events = await rig.run('m1');
  assert.equal(ran, 8);
  assert.deepEqual(types(events).slice(-4), ['steered', 'model_call', 'text_delta', 'turn_ended']);
  assert.deepEqual(
    model.requests[1]?.turns.at(-1)?.messages.map((message) => message.role),
    ['user', 'assistant', 'tool', 'user'],
  );
});

test('what is steered while the last answer is given is answered too', async () => {
  using directory = temporaryDirectory();
  const model = playModel(() => {
    rig.history.addSteer('m1', 'and also');
    return say('first');
  }, say('second'));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream });
  const events = await rig.run('m1');
  assert.deepEqual(events.at(-1), { type: 'turn_ended', status: 'complete', text: 'second' });
  assert.deepEqual(
    model.requests[1]?.turns.at(-1)?.messages.map((message) => message.role),
    ['user', 'assistant', 'user'],
  );
});

test('cancel stops a tool that runs, keeps its result and asks the model nothing more', async () => {
  using directory = temporaryDirectory();
  const interrupt = createInterrupt();
  const waits = fakeTool('waits', async (_value, { signal }) => {
    interrupt.raise('cancelled');
    return { outcome: 'ok', output: signal.aborted ? 'half' : 'never told' };
  });
  const model = playModel(callTools({ tool: 'waits', input: {} }), say('never'));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream, tools: [waits] });
  const events = await rig.run('m1', { interrupt });
  assert.equal(model.requests.length, 1);
  assert.deepEqual(events.at(-1), { type: 'turn_ended', status: 'cancelled', text: '' });
  const ended = events.find((event) => event.type === 'tool_ended');
  assert.equal(ended?.outcome, 'cancelled');
  assert.match(ended?.preview ?? '', /half/);
});

test('cancel in the middle of an answer keeps what was said', async () => {
  using directory = temporaryDirectory();
  const interrupt = createInterrupt();
  const rig = turnRig({
    file: `${directory.path}/a.db`,
    stream: async function* (_request, signal) {
      yield { type: 'routed', model: 'scripted/m' };
      yield { type: 'text', text: 'so far' };
      interrupt.raise('cancelled');
      signal.throwIfAborted();
    },
  });
  const events = await rig.run('m1', { interrupt });
  assert.deepEqual(events.at(-1), { type: 'turn_ended', status: 'cancelled', text: 'so far' });
  assert.equal(rig.history.page(5).entries.at(-1)?.text, 'so far');
});

test('a turn that no one listens to any more stops without an end, and is resumed', async () => {
  using directory = temporaryDirectory();
  const interrupt = createInterrupt();
  let ran = 0;
  const tool = fakeTool('once', async () => {
    ran++;
    interrupt.raise('detached');
    return { outcome: 'ok', output: 'done' };
  });
  const model = playModel(callTools({ tool: 'once', input: {} }), say('finished'));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream, tools: [tool] });
  const first = await rig.run('m1', { interrupt });
  assert.ok(!types(first).includes('turn_ended'));
  const again = await rig.run('m1');
  assert.deepEqual(again[0], { type: 'turn_started', resumed: true });
  assert.deepEqual(again.at(-1), { type: 'turn_ended', status: 'complete', text: 'finished' });
  assert.equal(ran, 1);
});

test('a failed model call ends the turn with its refusal and what was said', async () => {
  using directory = temporaryDirectory();
  const refusal = {
    code: 'budget_exceeded',
    rule: 'budget.daily',
    message: 'The daily budget of $5.00 is spent.',
    remedy: 'Raise it.',
  } as const;
  const model = playModel([
    { type: 'routed', model: 'scripted/m' },
    { type: 'text', text: 'half' },
    {
      type: 'failed',
      model: 'scripted/m',
      dialect: 'openai-chat',
      parts: [{ type: 'text', text: 'half' }],
      refusal,
    },
  ]);
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream });
  const events = await rig.run('m1');
  assert.deepEqual(events.slice(-2), [
    { type: 'refused', refusal },
    { type: 'turn_ended', status: 'failed', text: 'half', refusal },
  ]);
  const again = await rig.run('m1');
  assert.deepEqual(again.slice(1), events.slice(-2));
  assert.equal(model.requests.length, 1);
});

test('a seam in an answer is told as it happens, and stays in the history', async () => {
  using directory = temporaryDirectory();
  const seam = { from: 'a/m', to: 'b/m', reason: 'a/m broke off', afterChars: 4 };
  const model = playModel([
    { type: 'routed', model: 'a/m' },
    { type: 'text', text: 'half' },
    { type: 'switched', ...seam },
    { type: 'routed', model: 'b/m' },
    { type: 'text', text: ' whole' },
    {
      ...{ type: 'finished', model: 'b/m', dialect: 'anthropic', reason: 'stop' },
      parts: [{ type: 'text', text: 'half whole' }],
    },
  ]);
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream });
  const events = await rig.run('m1');
  const { from, to, reason } = seam;
  assert.deepEqual(
    events.find((event) => event.type === 'model_switched'),
    { type: 'model_switched', from, to, reason, continued: true },
  );
  assert.deepEqual(events.at(-1), { type: 'turn_ended', status: 'complete', text: 'half whole' });
  const [item] = rig.history.turnEntries('m1');
  assert.deepEqual(item?.kind === 'assistant' && item.entry.seams, [seam]);
  assert.equal(
    rig.history.page(5).entries.at(-1)?.text,
    '[b/m took over from a/m after 4 characters: a/m broke off]\nhalf whole',
  );
});

test('after an answer that broke off behind its calls another model is asked, once', async () => {
  using directory = temporaryDirectory();
  const brokenOff = { model: 'scripted/m', reason: 'it broke off' };
  const calls = () => callTools({ tool: 'works', input: {} });
  const model = playModel(
    calls().map((event) => (event.type === 'finished' ? { ...event, brokenOff } : event)),
    calls(),
    say('done'),
  );
  const tools = [fakeTool('works', async () => ({ outcome: 'ok', output: 'x' }))];
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream, tools });
  await rig.run('m1');
  assert.deepEqual(
    model.requests.map((request) => request.brokenOff),
    [undefined, brokenOff, undefined],
  );
});

test('an exception of our own is told as a failure and recorded nowhere as an end', async () => {
  using directory = temporaryDirectory();
  const logged: unknown[] = [];
  const rig = turnRig({
    file: `${directory.path}/a.db`,
    // biome-ignore lint/correctness/useYield: fails before it says anything.
    stream: async function* () {
      throw new Error('secret detail');
    },
    log: (error) => logged.push(error),
  });
  const events = await rig.run('m1');
  const end = events.at(-1);
  assert.equal(end?.type === 'turn_ended' && end.refusal?.code, 'internal');
  assert.doesNotMatch(JSON.stringify(events), /secret detail/);
  assert.equal(logged.length, 1);
});
