import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { KeeperOutcome } from '../process/keeper-client.ts';
import { createFakeKeeper, type FakeKeeper, SECRET } from './test/fake-keeper.ts';
import { type Behaviour, events, eventText, json, startFakeProvider } from './test/fake-provider.ts';
import { startGateway, testProvider } from './test/start-gateway.ts';
import { ANSWERS } from './test/wire-shapes.ts';

const CHAT = ANSWERS['openai-chat'];
const STREAM = { ...CHAT.ask, stream: true };

/** The reservation of the one call, and how it was settled: exactly once, whatever happened. */
function settledOnce(keeper: FakeKeeper) {
  assert.equal(keeper.reserved.length, 1);
  assert.equal(keeper.settled.length, 1);
  const [settled] = keeper.settled;
  assert.ok(settled);
  return { ...settled, reservedMicroUsd: keeper.amounts.get(settled.reservationId) ?? -1 };
}

async function callOnce(behave: Behaviour, ask: object = CHAT.ask, keeper = createFakeKeeper()) {
  await using provider = await startFakeProvider(behave);
  await using gateway = await startGateway({
    keeper,
    catalog: [testProvider('openai-chat', provider.origin)],
    timeouts: { firstByteMs: 100, idleMs: 100 },
  });
  const answer = await gateway.call('openai-chat/chat/completions', ask);
  assert.deepEqual(gateway.faults, []);
  return { answer, keeper, seen: provider.seen, health: gateway.health.all() };
}

function refusalOf(text: string) {
  const { type, error } = JSON.parse(text);
  assert.equal(type, 'error');
  assert.equal(error.type, 'openlegion_refusal');
  return error;
}

test('dials nobody while the keeper is away', async () => {
  const keeper = createFakeKeeper();
  keeper.away = true;
  const { answer, seen } = await callOnce(json(CHAT.whole), CHAT.ask, keeper);
  assert.equal(answer.status, 503);
  assert.equal(refusalOf(answer.text).rule, 'vault.keeper');
  assert.deepEqual(seen, []);
  assert.deepEqual(keeper.settled, []);
});

test('dials nobody when the budget is spent', async () => {
  const keeper = createFakeKeeper();
  keeper.roomMicroUsd = 1000;
  const { answer, seen } = await callOnce(json(CHAT.whole), CHAT.ask, keeper);
  assert.equal(answer.status, 402);
  assert.deepEqual(seen, []);
  assert.deepEqual(keeper.settled, []);
});

test('writes the granted output limit into the body, divided among the choices', async () => {
  const keeper = createFakeKeeper();
  const full = await callOnce(json(CHAT.whole), { ...CHAT.ask, max_tokens: 1000, n: 2 });
  const most = full.keeper.amounts.get('r1') ?? 0;
  keeper.roomMicroUsd = most - 4000;
  const { seen } = await callOnce(json(CHAT.whole), { ...CHAT.ask, max_tokens: 1000, n: 2 }, keeper);
  assert.deepEqual(Object(seen[0]?.body).max_tokens, 500);
});

test('nobody listens there: nothing is charged', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const keeper = createFakeKeeper();
  await using gateway = await startGateway({
    keeper,
    catalog: [testProvider('openai-chat', `http://127.0.0.1:${port}`)],
  });
  const answer = await gateway.call('openai-chat/chat/completions', CHAT.ask);
  assert.equal(answer.status, 502);
  assert.match(refusalOf(answer.text).message, /ECONNREFUSED/);
  assert.equal(settledOnce(keeper).chargedMicroUsd, 0);
  assert.equal(answer.trailers['x-openlegion-charged-micro-usd'], '0');
});

for (const status of [400, 402, 404, 408, 429, 500, 503, 529])
  test(`an error before the first token (${status}) is passed on and costs nothing`, async () => {
    const body = { error: { message: `no ${SECRET} but sk-test/9Z***d4Xw8Ry and ${SECRET.slice(0, 10)}…` } };
    const { answer, keeper, health } = await callOnce(
      json(body, status, { 'retry-after': '7', 'set-cookie': 'a=b' }),
    );
    assert.equal(answer.status, status);
    assert.equal(answer.headers['retry-after'], '7');
    assert.equal(answer.headers['set-cookie'], undefined);
    assert.doesNotMatch(answer.text, /sk-test|w8Ry/);
    const settled = settledOnce(keeper);
    assert.equal(settled.chargedMicroUsd, 0);
    assert.equal(settled.httpStatus, status);
    assert.equal(health.length === 0 || health[0]?.ok === (status < 402 || status === 404), true);
  });

for (const status of [401, 403])
  test(`a refused key (${status}) is told in our own words, which quote nothing`, async () => {
    const { answer, keeper, health } = await callOnce(json({ error: `bad key ${SECRET}` }, status));
    assert.equal(answer.status, 502);
    const refusal = refusalOf(answer.text);
    assert.equal(refusal.rule, 'llm.provider.key');
    assert.match(refusal.remedy, /openlegion vault add OPENLEGION_SYSTEM_TEST_API_KEY/);
    assert.equal(settledOnce(keeper).chargedMicroUsd, 0);
    assert.equal(health[0]?.ok, false);
  });

test('a redirect is not followed and costs nothing', async () => {
  const { answer, keeper, seen } = await callOnce(json('', 307, { location: 'http://127.0.0.1:1/evil' }));
  assert.equal(answer.status, 502);
  assert.equal(answer.headers.location, undefined);
  assert.equal(seen.length, 1);
  assert.equal(settledOnce(keeper).chargedMicroUsd, 0);
});

test('a long error is cut at 64 KiB', async () => {
  const { answer } = await callOnce(json('x'.repeat(500_000), 500));
  assert.equal(answer.text.length, 64 * 1024);
});

test('a compressed answer is refused and charged in full', async () => {
  const { answer, keeper } = await callOnce((response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    response.end(gzipSync(JSON.stringify(CHAT.whole)));
  });
  assert.equal(answer.status, 502);
  const settled = settledOnce(keeper);
  assert.equal(settled.chargedMicroUsd, settled.reservedMicroUsd);
});

test('no answer in time: charged in full, and said so', async () => {
  const { answer, keeper } = await callOnce(() => {});
  assert.equal(answer.status, 504);
  const settled = settledOnce(keeper);
  assert.equal(settled.chargedMicroUsd, settled.reservedMicroUsd);
  assert.equal(settled.source, 'reservation');
  assert.equal(answer.trailers['x-openlegion-charged-micro-usd'], String(settled.reservedMicroUsd));
});

test('a connection cut before the answer: charged in full', async () => {
  const { answer, keeper } = await callOnce((response) => {
    response.destroy();
  });
  assert.equal(answer.status, 502);
  const settled = settledOnce(keeper);
  assert.equal(settled.chargedMicroUsd, settled.reservedMicroUsd);
});

test('a stream cut in the middle: cut for the reader too, the granted output charged', async () => {
  const { answer, keeper } = await callOnce((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(eventText(CHAT.stream[0]), () => response.destroy());
  }, STREAM);
  assert.equal(answer.complete, false);
  assert.match(answer.text, /hel/);
  const settled = settledOnce(keeper);
  assert.equal(settled.chargedMicroUsd, settled.reservedMicroUsd);
  assert.equal(settled.outputTokens, 100);
});

test('a stream that falls silent is cut after the idle time', async () => {
  const { answer, keeper } = await callOnce((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(eventText(CHAT.stream[0]));
  }, STREAM);
  assert.equal(answer.complete, false);
  assert.equal(settledOnce(keeper).outputTokens, 100);
});

test('a stream that ends properly but without an end of its own is charged in full output', async () => {
  const { keeper } = await callOnce(events(CHAT.stream[0], CHAT.stream[1]), STREAM);
  const settled = settledOnce(keeper);
  assert.equal(settled.outputTokens, 100);
  assert.equal(settled.source, 'reservation');
});

test('Anthropic input is known before the cut: only the output is charged in full', async () => {
  const keeper = createFakeKeeper();
  const shape = ANSWERS.anthropic;
  await using provider = await startFakeProvider((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(eventText(shape.stream[0]), () => response.destroy());
  });
  await using gateway = await startGateway({ keeper, catalog: [testProvider('anthropic', provider.origin)] });
  await gateway.call('anthropic/messages', { ...shape.ask, stream: true });
  const settled = settledOnce(keeper);
  assert.equal(settled.inputTokens, 20);
  assert.equal(settled.outputTokens, 100);
  assert.ok(settled.chargedMicroUsd < settled.reservedMicroUsd);
});

for (const when of ['before the answer', 'in the middle of a stream'] as const)
  test(`the caller goes away ${when}: the provider is cut off, the call charged in full`, async () => {
    const keeper = createFakeKeeper();
    const abort = new AbortController();
    const cut = Promise.withResolvers<void>();
    await using provider = await startFakeProvider((response) => {
      response.once('close', cut.resolve);
      if (when === 'in the middle of a stream') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(eventText(CHAT.stream[0]));
      }
      setImmediate(() => abort.abort());
    });
    await using gateway = await startGateway({
      keeper,
      catalog: [testProvider('openai-chat', provider.origin)],
    });
    await gateway
      .call('openai-chat/chat/completions', STREAM, { signal: abort.signal })
      .catch((error: unknown) => assert.match(String(error), /abort/i));
    await cut.promise;
    while (keeper.settled.length === 0) await new Promise(setImmediate);
    const settled = settledOnce(keeper);
    assert.equal(settled.outputTokens, 100);
    assert.deepEqual(gateway.health.all(), []);
  });

test('a caller that leaves after the last event of a stream pays what was used', async () => {
  const keeper = createFakeKeeper();
  const abort = new AbortController();
  await using provider = await startFakeProvider((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of CHAT.stream) response.write(eventText(event));
  });
  await using gateway = await startGateway({
    keeper,
    catalog: [testProvider('openai-chat', provider.origin)],
  });
  const heard = (text: string) => {
    if (text.includes('[DONE]')) abort.abort();
  };
  await gateway.call('openai-chat/chat/completions', STREAM, { signal: abort.signal, heard }).catch(() => {});
  while (keeper.settled.length === 0) await new Promise(setImmediate);
  assert.equal(settledOnce(keeper).outputTokens, 7);
});

test('a key that could end its header is not sent', async () => {
  for (const secret of ['good-until\r\nx-evil: 1', 'short', 'käse-käse-käse']) {
    const keeper = createFakeKeeper(secret);
    const { answer, seen } = await callOnce(json(CHAT.whole), CHAT.ask, keeper);
    assert.equal(answer.status, 403);
    assert.doesNotMatch(answer.text, /good-until|short|käse/);
    assert.deepEqual(seen, []);
    assert.equal(settledOnce(keeper).chargedMicroUsd, 0);
  }
});

const usages: [string, unknown, { input: 'said' | 'bound'; output: number }][] = [
  ['missing', undefined, { input: 'bound', output: 9 }],
  ['null', null, { input: 'bound', output: 9 }],
  ['a string', 'free', { input: 'bound', output: 9 }],
  ['zeros', { prompt_tokens: 0, completion_tokens: 0 }, { input: 'bound', output: 9 }],
  ['negative', { prompt_tokens: -5, completion_tokens: -7 }, { input: 'bound', output: 9 }],
  ['strings', { prompt_tokens: '20', completion_tokens: 'NaN' }, { input: 'bound', output: 9 }],
  ['1e99', { prompt_tokens: 1e99, completion_tokens: 1e99 }, { input: 'bound', output: 9 }],
  ['fractions', { prompt_tokens: 0.5, completion_tokens: 0.1 }, { input: 'bound', output: 9 }],
  ['above the bound', { prompt_tokens: 999_999, completion_tokens: 5000 }, { input: 'bound', output: 100 }],
  [
    'more cached than there is',
    { prompt_tokens: 5, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 9 } },
    { input: 'bound', output: 7 },
  ],
  [
    'reasoning outside of completion',
    { prompt_tokens: 20, completion_tokens: 7, total_tokens: 60 },
    { input: 'said', output: 40 },
  ],
];

for (const [name, usage, expected] of usages)
  test(`usage ${name}: counted by our own estimate where it is not possible`, async () => {
    const { keeper } = await callOnce(json({ ...CHAT.whole, usage }));
    const settled = settledOnce(keeper);
    // The strings of the one message, "assistant" and "hello", are 14 bytes.
    assert.equal(settled.outputTokens, expected.output === 9 ? 14 : expected.output);
    assert.equal(settled.inputTokens > 1000, expected.input === 'bound');
    assert.ok(settled.chargedMicroUsd > 0 && settled.chargedMicroUsd <= settled.reservedMicroUsd);
  });

test('an answer that is no JSON is counted by its bytes', async () => {
  const { keeper } = await callOnce(json('<html>', 200));
  assert.equal(settledOnce(keeper).outputTokens, 6);
});

test('the key is scrubbed from an answer, its headers included, wherever it is cut', async () => {
  const { answer } = await callOnce((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': `id-${SECRET}` });
    const text = eventText({ choices: [{ delta: { content: `a ${SECRET} b ${btoa(SECRET)} c` } }] });
    for (let at = 0; at < text.length; at += 3) response.write(text.slice(at, at + 3));
    response.end();
  }, STREAM);
  assert.equal(answer.headers['x-request-id'], undefined);
  assert.match(answer.text, /a \[secret\] b .?\[secret\].{0,4} c/);
});

test('the answer does not wait for the keeper to settle, and a settlement that it refuses is a fault', async () => {
  const keeper = createFakeKeeper();
  const { call } = keeper;
  const settling = Promise.withResolvers<KeeperOutcome<never>>();
  keeper.call = async (operation, request) => {
    const outcome = await call(operation, request);
    return operation === 'settle' ? await settling.promise : outcome;
  };
  await using provider = await startFakeProvider(json(CHAT.whole));
  await using gateway = await startGateway({
    keeper,
    catalog: [testProvider('openai-chat', provider.origin)],
  });
  const answer = await gateway.call('openai-chat/chat/completions', CHAT.ask);
  assert.equal(answer.status, 200);
  assert.equal(answer.trailers['x-openlegion-usage-source'], 'provider');
  assert.deepEqual(gateway.faults, []);
  const refusal = { code: 'conflict', rule: 'budget.settlement', message: 'no', remedy: '' } as const;
  settling.resolve({ ok: false, refusal });
  while (gateway.faults.length === 0) await new Promise(setImmediate);
  assert.match(String(gateway.faults[0]), /budget\.settlement/);
});
