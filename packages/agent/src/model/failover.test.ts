import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dialect } from '@openlegion/contract/catalog';
import fc from 'fast-check';
import { answerFrames } from '../testing/answer-frames.ts';
import { callModel } from '../testing/model-rig.ts';
import { chatAnswer } from '../testing/sse.ts';
import { joinAnswer } from './continue-answer.ts';

const MODELS: Record<Dialect, string> = {
  'openai-chat': 'one/m',
  'openai-responses': 'openai/gpt-5-mini',
  anthropic: 'anthropic/claude-haiku-4-5',
  google: 'google/gemini-2.5-flash',
};
const DIALECTS: Dialect[] = ['openai-chat', 'openai-responses', 'anthropic', 'google'];
const memberOf = (dialect: Dialect) => ({ model: MODELS[dialect], dialect });
const OTHER = { model: 'two/other', dialect: 'openai-chat' };
const RESET = new Error('connection reset');

for (const from of DIALECTS) {
  for (const to of DIALECTS) {
    test(`an answer of ${from} that breaks off is continued by ${to}`, async () => {
      const first = answerFrames(from, ['The answer ', 'is fo']);
      const second = answerFrames(to, ['rty-', 'two.']);
      const next = from === to ? { model: `${MODELS[to]}-b`, dialect: to } : memberOf(to);
      const { events, wire } = await callModel({
        chain: [memberOf(from), next],
        answers: [
          { body: [...first.start, ...first.texts, ...first.halfCall, RESET] },
          { body: [...second.start, ...second.texts, ...second.end] },
        ],
      });
      const texts = events.flatMap((event) => (event.type === 'text' ? [event.text] : []));
      assert.equal(texts.join(''), 'The answer is forty-two.');
      const [seam] = events.filter((event) => event.type === 'switched');
      assert.equal(seam?.afterChars, 'The answer is fo'.length);
      assert.deepEqual([seam?.from, seam?.to], [MODELS[from], next.model]);
      assert.match(seam?.reason ?? '', /broke off/);
      assert.deepEqual(events.at(-1), {
        ...{ type: 'finished', model: next.model, dialect: to, reason: 'stop' },
        parts: [{ type: 'text', text: 'The answer is forty-two.' }],
      });
      assert.equal(wire.length, 2);
      const sent = JSON.stringify(wire[1]?.body);
      assert.match(sent, /The answer is fo"[\s\S]*Go on exactly where it stops/);
      assert.doesNotMatch(sent, /comm(?!and)/);
    });
  }

  test(`a whole tool call of ${from} is kept when its stream breaks`, async () => {
    const frames = answerFrames(from, ['I look.']);
    const { events, wire } = await callModel({
      chain: [memberOf(from), OTHER],
      answers: [{ body: [...frames.start, ...frames.texts, ...frames.call, RESET] }],
    });
    assert.equal(wire.length, 1);
    const last = events.at(-1);
    assert.ok(last?.type === 'finished', JSON.stringify(last));
    assert.equal(last.reason, 'tool_calls');
    assert.equal(last.brokenOff?.model, MODELS[from]);
    assert.deepEqual(
      last.parts.map((part) => (part.type === 'call' ? JSON.parse(part.input) : part.text)),
      ['I look.', { command: 'ls' }],
    );
  });

  test(`a stream of ${from} that breaks before its first token moves on at once`, async () => {
    const frames = answerFrames(from, []);
    const { events, waits, wire } = await callModel({
      chain: [memberOf(from), OTHER],
      answers: [{ body: [...frames.start, RESET] }, { body: chatAnswer('hello') }],
    });
    assert.deepEqual(waits, []);
    assert.equal(wire.length, 2);
    const seam = events.find((event) => event.type === 'switched');
    assert.equal(seam?.afterChars, 0);
    assert.doesNotMatch(JSON.stringify(wire[1]?.body), /Go on exactly/);
    assert.equal(events.at(-1)?.type, 'finished');
  });
}

test('the trouble of a provider moves on: overload, limits, its refusal of the key, an unpaid bill', async () => {
  for (const status of [401, 402, 403, 408, 429, 500, 502, 503, 529]) {
    const { events, routes, waits } = await callModel({
      chain: [memberOf('anthropic'), OTHER],
      answers: [{ status, body: { error: { message: 'no' } } }, { body: chatAnswer('hello') }],
    });
    assert.equal(events.at(-1)?.type, 'finished', String(status));
    assert.deepEqual(waits, []);
    assert.deepEqual(
      routes.map(({ body }) => body),
      [
        { model: 'scripted/assistant', failed: [] },
        { model: 'scripted/assistant', failed: [MODELS.anthropic] },
      ],
    );
  }
});

test('what was decided about the agent, and what is wrong with the request, moves to no other model', async () => {
  const refused = (code: string) => ({
    type: 'error',
    error: { type: 'openlegion_refusal', code, rule: 'some.rule', message: 'No.', remedy: 'Ask.' },
  });
  for (const [status, body] of [
    [400, { error: { message: 'bad' } }],
    [404, { error: { message: 'unknown model' } }],
    [422, { error: { message: 'bad' } }],
    [402, refused('budget_exceeded')],
    [403, refused('denied')],
    [400, refused('bad_request')],
    [404, refused('not_found')],
    [413, refused('too_large')],
  ] as const) {
    const { events, wire, routes } = await callModel({
      chain: [memberOf('anthropic'), OTHER],
      answers: [{ status, body }, { body: chatAnswer('never') }],
    });
    assert.equal(wire.length, 1);
    assert.equal(routes.length, 1);
    assert.equal(events.at(-1)?.type, 'failed');
  }
});

test('of parallel calls the whole ones are kept, half of one is left out', async () => {
  const { call, halfCall } = answerFrames('openai-chat', []);
  const second = halfCall.map((frame) => frame.replace('"index":0,"id":"a"', '"index":1,"id":"b"'));
  assert.notDeepEqual(second, halfCall);
  const { events } = await callModel({
    chain: [memberOf('openai-chat'), OTHER],
    answers: [{ body: [...call, ...second, RESET] }],
  });
  const last = events.at(-1);
  assert.ok(last?.type === 'finished');
  assert.deepEqual(
    last.parts.map((part) => part.type === 'call' && part.input),
    ['{"command":"ls"}'],
  );
});

test('a limit per minute of the agent is waited for, with the same model', async () => {
  const limited = {
    type: 'error',
    error: {
      ...{ type: 'openlegion_refusal', code: 'rate_limited', rule: 'budget.requests_per_minute' },
      ...{ message: 'No more this minute.', remedy: 'Wait.' },
    },
  };
  const { events, wire, waits } = await callModel({
    chain: [memberOf('openai-chat'), OTHER],
    answers: [{ status: 429, headers: { 'retry-after': '9' }, body: limited }, { body: chatAnswer('hello') }],
  });
  assert.deepEqual(waits, [9000]);
  assert.deepEqual(
    wire.map(({ path }) => path),
    ['/llm/one/chat/completions', '/llm/one/chat/completions'],
  );
  assert.equal(events.at(-1)?.type, 'finished');
});

test('each model of a chain is asked once; at its end the last failure is told with all that was said', async () => {
  const chain = ['a/m', 'b/m', 'c/m'].map((model) => ({ model, dialect: 'openai-chat' }));
  const half = (text: string) => ({ body: [...answerFrames('openai-chat', [text]).texts, RESET] });
  const { events, wire, waits } = await callModel({
    chain,
    answers: [half('one '), { status: 503, body: {} }, half('two')],
  });
  assert.equal(wire.length, 3);
  assert.deepEqual(waits, []);
  const last = events.at(-1);
  assert.ok(last?.type === 'failed');
  assert.equal(last.model, 'c/m');
  assert.deepEqual(last.parts, [{ type: 'text', text: 'one two' }]);
  assert.equal(events.filter((event) => event.type === 'switched').length, 2);
  assert.match(JSON.stringify(wire[2]?.body), /one /);
});

test('a budget that is spent in the middle of an answer ends it with what was said', async () => {
  const { events } = await callModel({
    chain: [memberOf('openai-chat'), OTHER],
    answers: [
      { body: [...answerFrames('openai-chat', ['half']).texts, RESET] },
      {
        status: 402,
        body: {
          type: 'error',
          error: {
            ...{ type: 'openlegion_refusal', code: 'budget_exceeded', rule: 'budget.daily' },
            ...{ message: 'Spent.', remedy: 'Raise it.' },
          },
        },
      },
    ],
  });
  const last = events.at(-1);
  assert.ok(last?.type === 'failed');
  assert.equal(last.refusal.rule, 'budget.daily');
  assert.deepEqual(last.parts, [{ type: 'text', text: 'half' }]);
});

test('a mesh that names failed models again and again is not followed', async () => {
  const { events, wire } = await callModel({
    route: { model: 'a/m' },
    answers: [{ status: 401, body: {} }],
  });
  assert.equal(wire.length, 1);
  assert.equal(events.at(-1)?.type, 'failed');
});

test('what one model thought is not shown to the next', async () => {
  const thinking = [
    'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"reasoning_content":"secret plan"}}]}\n\n',
  ];
  const { wire, events } = await callModel({
    chain: [memberOf('openai-chat'), memberOf('anthropic')],
    answers: [
      { body: [...thinking, ...answerFrames('openai-chat', ['said']).texts, RESET] },
      { body: [...thinking, RESET] },
    ],
  });
  assert.ok(events.some((event) => event.type === 'reasoning'));
  assert.match(JSON.stringify(wire[1]?.body), /said/);
  assert.doesNotMatch(JSON.stringify(wire[1]?.body), /secret plan/);
});

test('blanks alone are not given back to a provider', async () => {
  const { events, wire } = await callModel({
    chain: [memberOf('openai-chat'), memberOf('anthropic')],
    answers: [
      { body: [...answerFrames('openai-chat', ['\n\n']).texts, RESET] },
      {
        body: [
          ...answerFrames('anthropic', ['x']).start,
          ...answerFrames('anthropic', ['x']).texts,
          ...answerFrames('anthropic', []).end,
        ],
      },
    ],
  });
  assert.doesNotMatch(JSON.stringify(wire[1]?.body), /Go on exactly/);
  const last = events.at(-1);
  assert.deepEqual(last?.type === 'finished' && last.parts, [{ type: 'text', text: '\n\nx' }]);
});

test('after an answer that broke off behind a call, the next call begins with another model', async () => {
  const brokenOff = { model: 'one/m', reason: 'it broke off' };
  const { events, routes } = await callModel({
    chain: [memberOf('openai-chat'), OTHER],
    request: { brokenOff },
    answers: [{ body: chatAnswer('hello') }],
  });
  assert.deepEqual(events.slice(0, 2), [
    { type: 'switched', from: 'one/m', to: 'two/other', reason: 'it broke off', afterChars: 0 },
    { type: 'routed', model: 'two/other', contextTokens: 128_000 },
  ]);
  assert.deepEqual(routes[0]?.body, { model: 'scripted/assistant', failed: ['one/m'] });

  const alone = await callModel({
    chain: [memberOf('openai-chat')],
    request: { brokenOff },
    answers: [{ body: chatAnswer('hello') }],
  });
  assert.equal(alone.events[0]?.type, 'routed');
  assert.equal(alone.events.at(-1)?.type, 'finished');
});

test('a joined answer holds the text of both in order, and every call', () => {
  const part = fc.oneof(
    fc.record({ type: fc.constant('text' as const), text: fc.string() }),
    fc.record({ type: fc.constant('reasoning' as const), text: fc.string() }),
    fc.record({
      type: fc.constant('call' as const),
      callId: fc.string(),
      tool: fc.string(),
      input: fc.string(),
    }),
  );
  fc.assert(
    fc.property(fc.string(), fc.array(part), (before, parts) => {
      const joined = joinAnswer(before, parts);
      const text = (of: typeof joined) => of.flatMap((p) => (p.type === 'text' ? [p.text] : [])).join('');
      assert.equal(text(joined), before + text(parts));
      for (const type of ['call', 'reasoning'])
        assert.deepEqual(
          joined.filter((p) => p.type === type),
          parts.filter((p) => p.type === type),
        );
    }),
  );
});
