import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createKeeperClient } from '../process/keeper-client.ts';
import { rotateKey } from './rotate-key.ts';

/** A keeper that answers a rotation as `answer` does, and what the key files hold when it is asked. */
async function setUp(t: TestContext, answer: (socket: Socket, id: number) => void) {
  const directory = mkdtempSync(join(tmpdir(), 'rotate-'));
  const keyFile = join(directory, 'vault.key');
  writeFileSync(keyFile, Buffer.alloc(32, 1), { mode: 0o600 });
  const asked: { fresh: Buffer; sent: Buffer }[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const { id, args } = JSON.parse(String(bytes));
      asked.push({ fresh: readFileSync(`${keyFile}.new`), sent: Buffer.from(args.newKey, 'base64') });
      answer(socket, id);
    });
  });
  const socketPath = join(directory, 'admin.sock');
  server.listen(socketPath);
  await once(server, 'listening');
  const keeper = createKeeperClient({ role: 'admin', socketPath, reconnect: false });
  await keeper.connected(AbortSignal.timeout(5000));
  t.after(() => {
    keeper.close();
    server.close();
    rmSync(directory, { recursive: true });
  });
  return { keyFile, keeper, asked };
}

test('the new key is on disk before the keeper is told of it, and takes the place of the old one after', async (t) => {
  const { keyFile, keeper, asked } = await setUp(t, (socket, id) =>
    socket.write(`${JSON.stringify({ id, ok: true, result: { rotatedAt: 'now' } })}\n`),
  );
  assert.equal(await rotateKey(keeper, keyFile), 'now');
  assert.deepEqual(asked[0]?.fresh, asked[0]?.sent);
  assert.deepEqual(readFileSync(keyFile), asked[0]?.sent);
  assert.equal(existsSync(`${keyFile}.new`), false);
});

test('a keeper that ends without an answer may have taken the key: both stay', async (t) => {
  const { keyFile, keeper, asked } = await setUp(t, (socket) => socket.destroy());
  await assert.rejects(rotateKey(keeper, keyFile), { code: 'unavailable', message: /not known whether/ });
  assert.deepEqual(readFileSync(keyFile), Buffer.alloc(32, 1));
  assert.deepEqual(readFileSync(`${keyFile}.new`), asked[0]?.sent);
});

test('a keeper that refuses has not taken it: the new one goes', async (t) => {
  const refusal = { code: 'internal', rule: 'vault.tampered', message: 'no', remedy: '' };
  const { keyFile, keeper } = await setUp(t, (socket, id) =>
    socket.write(`${JSON.stringify({ id, ok: false, refusal })}\n`),
  );
  await assert.rejects(rotateKey(keeper, keyFile), { rule: 'vault.tampered' });
  assert.deepEqual(readFileSync(keyFile), Buffer.alloc(32, 1));
  assert.equal(existsSync(`${keyFile}.new`), false);
});
