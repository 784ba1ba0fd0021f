import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createKeeperClient } from './keeper-client.ts';

const SETTLE = {
  reservationId: 'r',
  chargedMicroUsd: 1,
  inputTokens: 1,
  outputTokens: 1,
  source: 'provider',
  httpStatus: 200,
} as const;

/** A keeper by hand: each line is given to `answer`, whose result is sent as it is. */
async function fakeKeeper(t: TestContext, answer: (line: { id: number }, socket: Socket) => string) {
  const directory = mkdtempSync(join(tmpdir(), 'keeper-client-'));
  const socketPath = join(directory, 'k.sock');
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      for (const line of bytes.toString().trim().split('\n')) socket.write(answer(JSON.parse(line), socket));
    });
  });
  server.listen(socketPath);
  await once(server, 'listening');
  const client = createKeeperClient({ role: 'gateway', socketPath, reconnect: true });
  t.after(() => {
    client.close();
    server.close();
    rmSync(directory, { recursive: true });
  });
  await client.connected(t.signal);
  return client;
}

test('answers find their calls in any order', async (t) => {
  const held: number[] = [];
  const client = await fakeKeeper(t, ({ id }) => {
    held.push(id);
    if (held.length < 3) return '';
    const line = (of: number) =>
      `${JSON.stringify({ id: of, ok: true, result: { spentTodayMicroUsd: of } })}\n`;
    return held.toReversed().map(line).join('');
  });
  const answers = await Promise.all([1, 2, 3].map(() => client.call('settle', SETTLE)));
  assert.deepEqual(
    answers.map((answer) => answer.ok && answer.result.spentTodayMicroUsd),
    held,
  );
});

test('a refusal is returned as it came', async (t) => {
  const refusal = { code: 'budget_exceeded', rule: 'budget.daily', message: 'm', remedy: 'r' };
  const client = await fakeKeeper(t, ({ id }) => `${JSON.stringify({ id, ok: false, refusal })}\n`);
  assert.deepEqual(await client.call('settle', SETTLE), { ok: false, refusal });
});

test('pending calls end with unavailable when the connection drops, and a new one is made', async (t) => {
  let dropped = false;
  const client = await fakeKeeper(t, ({ id }, socket) => {
    if (dropped) return `${JSON.stringify({ id, ok: true, result: { spentTodayMicroUsd: 5 } })}\n`;
    dropped = true;
    socket.destroy();
    return '';
  });
  const first = await client.call('settle', SETTLE);
  assert.equal(first.ok ? '' : first.refusal.code, 'unavailable');
  const down = await client.call('settle', SETTLE);
  assert.equal(down.ok ? '' : down.refusal.code, 'unavailable');
  await client.connected(t.signal);
  assert.equal((await client.call('settle', SETTLE)).ok, true);
});

test('an answer that is not of the protocol drops the connection', async (t) => {
  for (const bad of [
    'no json\n',
    '{"id":1}\n',
    '{"id":99,"ok":true,"result":{}}\n',
    '{"id":1,"ok":true,"result":{"spentTodayMicroUsd":-1}}\n',
    'x'.repeat(1_100_000),
  ]) {
    const client = await fakeKeeper(t, () => bad);
    const answer = await client.call('settle', SETTLE);
    assert.equal(answer.ok ? '' : answer.refusal.code, 'unavailable', bad.slice(0, 50));
  }
});

test('a request over the line bound is not sent', async (t) => {
  const client = await fakeKeeper(t, () => assert.fail('sent'));
  const answer = await client.call('settle', { ...SETTLE, reservationId: 'x'.repeat(1_048_576) });
  assert.equal(answer.ok ? '' : answer.refusal.code, 'too_large');
});

test('with one attempt only, a missing keeper is said at once and with a remedy', async (t) => {
  const client = createKeeperClient({ role: 'admin', socketPath: '/nonexistent/k.sock', reconnect: false });
  await assert.rejects(client.connected(t.signal), { code: 'unavailable', remedy: /openlegion start/ });
});
