import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { createFakeKeeper } from './test/fake-keeper.ts';
import { json, startFakeProvider } from './test/fake-provider.ts';
import { startGateway, testProvider } from './test/start-gateway.ts';
import { ANSWERS } from './test/wire-shapes.ts';

const CHAT = ANSWERS['openai-chat'];
const BODY = JSON.stringify(CHAT.ask);

async function setUp() {
  const keeper = createFakeKeeper();
  const provider = await startFakeProvider(json(CHAT.whole));
  const gateway = await startGateway({
    keeper,
    catalog: [testProvider('openai-chat', provider.origin), testProvider('google', provider.origin)],
  });
  return {
    keeper,
    provider,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await provider[Symbol.asyncDispose]();
    },
  };
}

/** Writes raw bytes and returns everything that comes back until the connection closes. */
function raw(socketPath: string, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    let heard = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      heard += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(heard));
    socket.write(text, 'latin1');
  });
}

test('a path that two parsers could read in two ways is refused', async () => {
  await using at = await setUp();
  const paths = [
    'openai-chat/../google/chat/completions',
    'openai-chat/./chat/completions',
    'openai-chat//chat/completions',
    'openai-chat/chat%2fcompletions',
    'openai-chat/chat/completions%00',
    'openai-chat/chat/completions/',
    'openai-chat/chat/completions#x',
    'openai-chat/chat\\completions',
    'openai-chat/chat/completions;x',
    'openai-chat/.../chat/completions',
    'OPENAI-CHAT/chat/completions',
    '%6fpenai-chat/chat/completions',
    'openai-chat/',
    'openai-chat',
    '',
    'openai-chat/chat/completions?key=abc',
    'openai-chat/chat/completions?',
    'google/models/m:generateContent?key=abc',
    'google/models/m:generateContent?alt=sse',
    'google/models/m:streamGenerateContent',
    'google/models/m:streamGenerateContent?alt=json',
    'google/models/m:streamGenerateContent?alt=sse&alt=sse',
    'google/models/m:streamGenerateContent?alt=sse&key=abc',
    'google/models/../files:generateContent',
    'google/tunedModels/m:generateContent',
    'google/models/m:batchGenerateContent',
    'google/cachedContents',
    'openai-chat/batches',
    'openai-chat/files',
    'openai-chat/responses',
    'openai-chat/completions',
    'openai-chat/images/generations',
    'openai-chat/fine_tuning/jobs',
  ];
  for (const path of paths) {
    const body = path.startsWith('google') ? ANSWERS.google.ask : CHAT.ask;
    const answer = await at.gateway.call(path, body);
    const expected = path === 'openai-chat/chat/completions?' ? 200 : null;
    if (expected) assert.equal(answer.status, expected, path);
    else assert.ok([400, 403, 404].includes(answer.status), `${path}: ${answer.status}`);
  }
  assert.equal(at.provider.seen.length, 1);
  assert.equal(at.keeper.reserved.length, 1);
});

test('the absolute form of a request is refused', async () => {
  await using at = await setUp();
  const { port } = at.provider;
  const heard = await raw(
    at.gateway.socketPath,
    `POST http://127.0.0.1:${port}/llm/openai-chat/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nX-OpenLegion-Agent: a\r\nX-OpenLegion-Trace: t\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
  );
  assert.match(heard, /^HTTP\/1\.1 404 /);
  assert.deepEqual(at.provider.seen, []);
});

test('other methods are refused', async () => {
  await using at = await setUp();
  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE']) {
    const answer = await at.gateway.call('openai-chat/chat/completions', undefined, { method });
    assert.equal(answer.status, 403, method);
  }
  const heard = await raw(at.gateway.socketPath, 'CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.doesNotMatch(heard, /200/);
});

test('a message with two ends, or a header with a smuggled line, is answered 400 and closed', async () => {
  await using at = await setUp();
  const head =
    'POST /llm/openai-chat/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-OpenLegion-Agent: a\r\nX-OpenLegion-Trace: t\r\n';
  const chunked = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
  const cases = [
    `${head}Content-Length: ${BODY.length}\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`,
    `${head}Content-Length: 5\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
    `${head}Content-Length: 5, ${BODY.length}\r\n\r\n${BODY}`,
    `${head}Content-Length: -1\r\n\r\n${BODY}`,
    `${head}Content-Length : ${BODY.length}\r\n\r\n${BODY}`,
    `${head}Transfer-Encoding: chunked, identity\r\n\r\n${chunked}`,
    `${head}Transfer-Encoding: xchunked\r\n\r\n${chunked}`,
    `${head}Transfer-Encoding: chunked\r\n\r\n-1\r\n${BODY}\r\n0\r\n\r\n`,
    `${head}X-A: b\r\n folded\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
    `${head}X-A: b\0c\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
    `${head.replaceAll('\r\n', '\n')}Content-Length: ${BODY.length}\n\n${BODY}`,
    'POST /llm/openai-chat/chat completions HTTP/1.1\r\nHost: x\r\n\r\n',
    `GET /health HTTP/1.1\r\n\r\n`,
    `GET /health HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`,
  ];
  for (const text of cases) {
    const heard = await raw(at.gateway.socketPath, text);
    assert.match(heard, /^HTTP\/1\.1 4\d\d /, JSON.stringify(text.slice(0, 400)));
    assert.equal(heard.match(/^HTTP\/1\.1/gm)?.length, 1);
  }
  assert.deepEqual(at.provider.seen, []);
  assert.deepEqual(at.keeper.reserved, []);
});

test('a caller without exactly one well-formed identity is refused', async () => {
  await using at = await setUp();
  const identities: Record<string, string | string[]>[] = [
    { 'x-openlegion-agent': '' },
    { 'x-openlegion-agent': 'Researcher' },
    { 'x-openlegion-agent': 'a b' },
    { 'x-openlegion-agent': ['a', 'b'] },
    { 'x-openlegion-agent': '../a' },
    { 'x-openlegion-trace': '' },
    { 'x-openlegion-trace': 'x'.repeat(101) },
    { 'x-openlegion-trace': ['a', 'b'] },
  ];
  for (const headers of identities) {
    const answer = await at.gateway.call('openai-chat/chat/completions', CHAT.ask, { headers });
    assert.equal(answer.status, 401, JSON.stringify(headers));
  }
  assert.deepEqual(at.keeper.reserved, []);
});

test("none of the caller's headers reach the provider", async () => {
  await using at = await setUp();
  await at.gateway.call('openai-chat/chat/completions', CHAT.ask, {
    headers: {
      authorization: 'Bearer mine',
      'x-api-key': 'mine',
      'api-key': 'mine',
      'x-goog-api-key': 'mine',
      'openai-organization': 'mine',
      'anthropic-beta': 'mine',
      cookie: 'mine',
      'x-forwarded-for': 'mine',
      'user-agent': 'mine',
      accept: 'mine',
    },
  });
  const [seen] = at.provider.seen;
  assert.doesNotMatch(JSON.stringify(seen?.rawHeaders), /mine|researcher|trace-1/);
  assert.deepEqual(Object.keys(seen?.headers ?? {}).sort(), [
    'accept',
    'accept-encoding',
    'authorization',
    'connection',
    'content-length',
    'content-type',
    'host',
    'user-agent',
  ]);
});

test('only plain JSON of at most 8 MiB is read', async () => {
  await using at = await setUp();
  const refused: [Record<string, string>, unknown, number][] = [
    [{ 'content-type': 'text/plain' }, CHAT.ask, 400],
    [{ 'content-type': 'application/json; charset=utf-16' }, CHAT.ask, 400],
    [{ 'content-type': 'multipart/form-data; boundary=x' }, CHAT.ask, 400],
    [{ 'content-encoding': 'gzip' }, CHAT.ask, 400],
    [{ 'content-encoding': 'identity, gzip' }, CHAT.ask, 400],
    [{}, '', 400],
    [{}, '[]', 400],
    [{}, '"x"', 400],
    [{}, '{"model":"m","model":"m","messages":[]}', 400],
    [{}, '{"model":"m","messages":[],"__proto__":{}}', 400],
    [{}, `{"model":"m","messages":${'['.repeat(100)}${']'.repeat(100)}}`, 400],
    [{}, '{"model":"m","messages":[],"seed":1e999}', 400],
  ];
  for (const [headers, body, status] of refused) {
    const answer = await at.gateway.call('openai-chat/chat/completions', body, { headers });
    assert.equal(answer.status, status, JSON.stringify([headers, body]).slice(0, 200));
  }
  const large = await at.gateway
    .call('openai-chat/chat/completions', ' '.repeat(8 * 1024 * 1024 + 1))
    .catch(() => null);
  assert.ok(large === null || large.status === 413);
  const heard = await raw(
    at.gateway.socketPath,
    'POST /llm/openai-chat/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-OpenLegion-Agent: a\r\nX-OpenLegion-Trace: t\r\nContent-Length: 10000000000\r\n\r\n',
  );
  assert.match(heard, /^HTTP\/1\.1 413 /);
  assert.deepEqual(at.provider.seen, []);
});

test('fifty calls at once with budget for one: one is admitted', async () => {
  await using at = await setUp();
  let room = 0;
  const { call } = at.keeper;
  await at.gateway.call('openai-chat/chat/completions', CHAT.ask);
  room = at.keeper.amounts.get('r1') ?? 0;
  at.keeper.call = async (operation, request) => {
    at.keeper.roomMicroUsd = room;
    const outcome = await call(operation, request);
    if (operation === 'reserve' && outcome.ok) room = 0;
    return outcome;
  };
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => at.gateway.call('openai-chat/chat/completions', CHAT.ask)),
  );
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  assert.equal(answers.filter(({ status }) => status === 402).length, 49);
  assert.equal(at.provider.seen.length, 2);
});

test('a caller that leaves within its own body is forgotten, and no fault', async () => {
  await using at = await setUp();
  const socket = connect(at.gateway.socketPath);
  socket.on('error', () => {});
  const text =
    'POST /llm/openai-chat/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-OpenLegion-Agent: a\r\nX-OpenLegion-Trace: t\r\nContent-Length: 500\r\n\r\n{"model"';
  await new Promise<void>((resolve) => socket.write(text, () => resolve()));
  socket.destroy();
  assert.equal((await at.gateway.call('openai-chat/chat/completions', CHAT.ask)).status, 200);
  assert.equal(at.keeper.reserved.length, 1);
  assert.deepEqual(at.gateway.faults, []);
});
