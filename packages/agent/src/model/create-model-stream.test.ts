import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { ours } from '../prompt/prompt-text.ts';
import { callModel, START } from '../testing/model-rig.ts';
import { chatAnswer, chatCalls, sse } from '../testing/sse.ts';
import { createModelStream } from './create-model-stream.ts';

const refusalBody = (refusal: object) => ({
  type: 'error',
  error: { type: 'openlegion_refusal', ...refusal },
});
const budget = {
  code: 'budget_exceeded',
  rule: 'budget.daily',
  message: 'The daily budget of $5.00 is spent.',
  remedy: 'Raise budget.daily_usd or wait until tomorrow.',
};

test('a refusal of the gateway is told as it is, and not tried again', async () => {
  const { events, wire, waits } = await callModel({ answers: [{ status: 402, body: refusalBody(budget) }] });
  assert.deepEqual(events.at(-1), {
    type: 'failed',
    model: 'scripted/assistant',
    dialect: 'openai-chat',
    parts: [],
    refusal: budget,
  });
  assert.equal(wire.length, 1);
  assert.deepEqual(waits, []);
});

test('a refusal of the route is told, and no model is called', async () => {
  const denied = {
    code: 'denied',
    rule: 'permissions.a.allowed_apis',
    message: 'no llm',
    remedy: 'grant it',
  };
  const stream = createModelStream({
    agent: START,
    mesh: {
      call: async ({ path }) => {
        assert.equal(path, '/mesh/route');
        return {
          status: 403,
          headers: {},
          body: Readable.from([Buffer.from(JSON.stringify(refusalBody(denied)))]),
        };
      },
    },
    wait: async () => assert.fail('waited'),
    random: () => 0,
    now: () => 0,
  });
  const events = [];
  const request = { system: ours``, turns: [], tools: [] };
  for await (const event of stream(request, new AbortController().signal)) events.push(event);
  assert.deepEqual(events, [
    { type: 'failed', model: 'scripted/assistant', dialect: '', parts: [], refusal: denied },
  ]);
});

test('429 and 5xx are tried again three times, longer apart each time', async () => {
  const { events, wire, waits } = await callModel({
    answers: [{ status: 503, body: { error: { message: 'overloaded' } } }],
  });
  assert.equal(wire.length, 4);
  assert.deepEqual(waits, [1000, 2000, 4000]);
  const last = events.at(-1);
  assert.ok(last?.type === 'failed');
  assert.equal(last.refusal.code, 'upstream_failed');
  assert.match(last.refusal.message, /scripted\/assistant answered 503: overloaded/);
});

test('waits as long as the other side asks, up to a minute; one that asks for more is not waited for', async () => {
  const limited = (after: string) => ({ status: 429, headers: { 'retry-after': after }, body: {} });
  const short = await callModel({ answers: [limited('7'), { body: chatAnswer('hello') }] });
  assert.deepEqual(short.waits, [7000]);
  assert.equal(short.events.at(-1)?.type, 'finished');

  const dated = await callModel({
    answers: [limited('Thu, 01 Jan 1970 00:00:09 GMT'), { body: chatAnswer('hello') }],
  });
  assert.deepEqual(dated.waits, [9000]);

  const long = await callModel({ answers: [limited('61')] });
  assert.deepEqual(long.waits, []);
  const last = long.events.at(-1);
  assert.equal(last?.type === 'failed' && last.refusal.code, 'rate_limited');
});

test('a wrong key, a wrong name and a bad request are not tried again', async () => {
  for (const [status, remedy] of [
    [401, /vault/],
    [403, /vault/],
    [404, /agents\.yaml/],
    [400, /another model/],
  ] as const) {
    const { events, wire } = await callModel({ answers: [{ status, body: { error: { message: 'no' } } }] });
    assert.equal(wire.length, 1);
    const last = events.at(-1);
    assert.ok(last?.type === 'failed');
    assert.match(last.refusal.remedy, remedy);
  }
});

test('a stream that breaks before its first token is asked for once more, at once', async () => {
  const broken = { body: [new Error('reset')] };
  const well = await callModel({ answers: [broken, { body: chatAnswer('hello') }] });
  assert.equal(well.events.at(-1)?.type, 'finished');
  assert.deepEqual(well.waits, []);

  const twice = await callModel({ answers: [broken] });
  assert.equal(twice.wire.length, 2);
  const last = twice.events.at(-1);
  assert.equal(last?.type === 'failed' && last.refusal.rule, 'llm.stream');
});

test('a stream that breaks after its first token fails with what was said, without half a call', async () => {
  const cuts = [
    [...chatAnswer('hello').slice(0, 2), new Error('reset')],
    chatAnswer('hello').slice(0, 2),
    [
      ...chatAnswer('hello').slice(0, 2),
      ...chatCalls({ id: 'x', name: 'exec', arguments: '{"comm' }).slice(0, 1),
    ],
    [...chatAnswer('hello').slice(0, 2), ...sse({ error: { message: 'server had an error' } })],
    [...chatAnswer('hello').slice(0, 2), 'data: {"broken json\n\n'],
  ];
  for (const body of cuts) {
    const { events, wire } = await callModel({ answers: [{ body }] });
    assert.equal(wire.length, 1);
    const last = events.at(-1);
    assert.ok(last?.type === 'failed', JSON.stringify(last));
    assert.deepEqual(last.parts, [{ type: 'text', text: 'hello' }]);
    assert.equal(last.refusal.code, 'upstream_failed');
  }
});

test('an error body without end is read to a bound, and its text is cleaned', async () => {
  const { events } = await callModel({
    answers: [
      { status: 400, body: ['{"error":{"message":"bad \u202E<|im_start|>', 'x'.repeat(3_000_000), '"}}'] },
    ],
  });
  const last = events.at(-1);
  assert.ok(last?.type === 'failed');
  assert.ok(last.refusal.message.length < 400);
  assert.doesNotMatch(last.refusal.message, /\u202E|<\|/);
});

test('an abort ends the call with its reason', async () => {
  const controller = new AbortController();
  controller.abort(new Error('cancelled'));
  await assert.rejects(callModel({ answers: [{ body: chatAnswer('x') }], signal: controller.signal }), {
    message: 'cancelled',
  });
});
