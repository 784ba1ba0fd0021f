import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { createAgentLimits } from './agent-limits.ts';
import { credential } from './test/fake-egress-keeper.ts';
import { createManualClock } from './test/manual-clock.ts';
import { exchange, startEgress, startUpstream } from './test/start-egress.ts';

/** Lets answers of the keeper that are under way arrive. */
const settled = async (): Promise<void> => {
  for (let round = 0; round < 20; round += 1) await new Promise((resolve) => setImmediate(resolve));
};

const GET = 'GET /x HTTP/1.1\r\nHost: up.test\r\n\r\n';

async function streaming() {
  const clock = createManualClock();
  const responses: ServerResponse[] = [];
  const upstream = await startUpstream((_message, response) => {
    responses.push(response);
    response.write('begun\n');
  });
  const at = await startEgress({ clock, pins: { 'up.test': upstream.port } });
  return {
    clock,
    responses,
    upstream,
    at,
    async [Symbol.asyncDispose]() {
      await at[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

test('what is revoked while it streams is closed within 5 s, on both sides, and recorded', async () => {
  await using tried = await streaming();
  const { at, clock, responses } = tried;
  at.fake.credentials.set('up.test', credential());
  const tunnel = await at.tunnel('up.test:443');
  await exchange(tunnel, GET, /begun/);
  const closed = Promise.all([once(tunnel, 'close'), once(responses[0] ?? tunnel, 'close')]);
  clock.advance(4000);
  await settled();
  assert.equal(tunnel.destroyed, false);
  // The tunnel is e1, the request e2.
  at.fake.revoked.add('e2');
  clock.advance(2000);
  await closed;
  await settled();
  assert.deepEqual(
    at.fake.done.find(({ requestId }) => requestId === 'e2'),
    { requestId: 'e2', httpStatus: 200, bytesUp: 0, bytesDown: 6 },
  );
  assert.ok(at.fake.done.some(({ requestId }) => requestId === 'e1'));
});

test('an idle tunnel whose host was taken away is closed within 5 s', async () => {
  await using tried = await streaming();
  const tunnel = await tried.at.tunnel('up.test:443');
  const closed = once(tunnel, 'close');
  tried.at.fake.revoked.add('e1');
  tried.clock.advance(2000);
  await closed;
});

test('what is open ends when the keeper is gone: nobody would hear of a revocation', async () => {
  await using tried = await streaming();
  const tunnel = await tried.at.tunnel('up.test:443');
  await exchange(tunnel, GET, /begun/);
  const closed = once(tunnel, 'close');
  tried.at.fake.away = true;
  tried.clock.advance(2000);
  await closed;
  const heard = await exchange(await tried.at.open(), 'CONNECT up.test:443 HTTP/1.1\r\n\r\n');
  assert.match(heard, /^HTTP\/1\.1 503 away\r\n/);
});

test('one connection too many is refused, and there is room again when one closes', async () => {
  await using tried = await streaming();
  tried.at.configure({ connections: 2 });
  const ask = 'GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n';
  const [one, two] = [await tried.at.open(), await tried.at.open()];
  for (const socket of [one, two]) assert.match(await exchange(socket, ask, /remedy/), /^HTTP\/1\.1 403 /);
  assert.match(
    await exchange(await tried.at.open(), ask),
    /^HTTP\/1\.1 429 researcher has used its 2 connections/,
  );
  one.destroy();
  await settled();
  assert.match(await exchange(await tried.at.open(), ask, /remedy/), /^HTTP\/1\.1 403 /);
});

test('requests beyond the minute are refused before the keeper is asked, and go again with time', async () => {
  await using tried = await streaming();
  tried.at.configure({ requestsPerMinute: 3 });
  const ask = 'GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n';
  const statuses: string[] = [];
  for (let n = 0; n < 5; n += 1) statuses.push((await exchange(await tried.at.open(), ask)).slice(9, 12));
  assert.deepEqual(statuses, ['403', '403', '403', '429', '429']);
  assert.equal(tried.at.fake.asked.length, 3);
  tried.clock.advance(20_000);
  assert.match(await exchange(await tried.at.open(), ask), /^HTTP\/1\.1 403 /);
  assert.match(await exchange(await tried.at.open(), ask), /^HTTP\/1\.1 429 /);
});

test('bytes beyond the minute wait for the next', async () => {
  await using tried = await streaming();
  const { at, clock, responses } = tried;
  at.configure({ bytesPerMinute: 6000 });
  const tunnel = await at.tunnel('up.test:443');
  await exchange(tunnel, GET, /begun/);
  let heard = '';
  tunnel.on('data', (chunk) => {
    heard += chunk;
  });
  const has = (letter: string): boolean => heard.includes(letter.repeat(2994));
  responses[0]?.write('b'.repeat(8994));
  while (!has('b')) await settled();
  // 3000 beyond the minute's 6000: half a minute.
  responses[0]?.write('c'.repeat(3000));
  clock.advance(29_000);
  await settled();
  assert.equal(heard.includes('c'), false);
  clock.advance(2000);
  while (!has('c')) await settled();
});

test('limits are counted for each agent alone', () => {
  const clock = createManualClock();
  const limits = createAgentLimits(clock);
  assert.throws(() => limits.connection('a'), { code: 'unavailable' });
  limits.configure({ connections: 1, requestsPerMinute: 1, bytesPerMinute: 60_000 });
  limits.request('a');
  assert.throws(() => limits.request('a'), { code: 'rate_limited', rule: 'egress.requests_per_minute' });
  limits.request('b');
  limits.connection('a');
  limits.connection('b');
  assert.equal(limits.waitMs('a', 60_000), 0);
  assert.equal(limits.waitMs('a', 1000), 1000);
  assert.equal(limits.waitMs('b', 60_000), 0);
});

test('a connection on which nothing is asked is closed, before its first request and after its last', async () => {
  await using upstream = await startUpstream((_message, response) => response.end('done'));
  const clock = createManualClock();
  await using at = await startEgress({ clock, pins: { 'up.test': upstream.port } });
  const silent = await at.open();
  const dripping = await at.open();
  dripping.write('GET http://up.test/ HTTP/1.1\r\nHost: up');
  const tunnel = await at.tunnel('up.test:443');
  await exchange(tunnel, GET, /done/);
  await settled();
  const closed = Promise.all([silent, dripping, tunnel].map((socket) => once(socket, 'close')));
  for (const socket of [silent, dripping, tunnel]) socket.resume();
  clock.advance(61_000);
  await closed;
});

test('an upstream that says nothing, or stops in the middle, is given up: 504, or cut', async () => {
  const clock = createManualClock();
  const asked: ServerResponse[] = [];
  await using upstream = await startUpstream((message, response) => {
    asked.push(response);
    if (message.url === '/half') response.write('half');
  });
  await using at = await startEgress({ clock, pins: { 'up.test': upstream.port } });
  const silent = exchange(await at.tunnel('up.test:443'), GET, /remedy/);
  const half = exchange(await at.tunnel('up.test:443'), GET.replace('/x', '/half'));
  while (asked.length < 2) await settled();
  await settled();
  clock.advance(301_000);
  assert.match(await silent, /^HTTP\/1\.1 504 /);
  assert.match(await half, /half$|half\r\n$/);
});

test('an answer that is cut short is cut for its reader too', async () => {
  await using upstream = await startUpstream((_message, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('short');
    setImmediate(() => response.destroy());
  });
  await using at = await startEgress({ pins: { 'up.test': upstream.port } });
  const heard = await exchange(await at.tunnel('up.test:443'), GET);
  assert.match(heard, /Content-Length: 100[\s\S]*short$/);
  assert.deepEqual(at.faults, []);
});

test('what the gateway holds of an upload that its upstream does not read stays small', async () => {
  await using upstream = await startUpstream(() => {});
  upstream.server.on('connection', (socket) => socket.pause());
  await using at = await startEgress({ pins: { 'up.test': upstream.port } });
  const tunnel = await at.tunnel('up.test:443');
  const size = 64 * 1024 * 1024;
  tunnel.write(`PUT /x HTTP/1.1\r\nHost: up.test\r\nContent-Length: ${size}\r\n\r\n`);
  let written = 0;
  const piece = Buffer.alloc(256 * 1024);
  while (
    tunnel.write(piece) ||
    (await Promise.race([once(tunnel, 'drain').then(() => true), settled().then(() => false)]))
  ) {
    written += piece.length;
    if (written >= size) break;
  }
  assert.ok(written < size / 2, `${written} bytes were taken`);
});

test('an opaque host is passed through unseen, both ways, and its bytes are counted', async () => {
  const server = createServer((socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await using at = await startEgress({ pins: { 'pinned.test': port } });
  at.fake.hosts.add('pinned.test');
  at.fake.opaque.add('pinned.test');
  const socket = await at.open();
  const first = await exchange(socket, 'CONNECT pinned.test:443 HTTP/1.1\r\n\r\nearly ', /early/);
  assert.match(first, /^HTTP\/1\.1 200 /);
  assert.match(await exchange(socket, 'anything at all\n', /all\n/), /anything at all/);
  socket.end();
  await once(socket.resume(), 'close');
  while (at.fake.done.length === 0) await settled();
  assert.deepEqual(at.fake.done, [{ requestId: 'e1', httpStatus: 200, bytesUp: 22, bytesDown: 22 }]);
  server.close();
});
