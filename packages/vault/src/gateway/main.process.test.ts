import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { callSocket } from './test/start-gateway.ts';
import { startGatewayProcess } from './test/start-gateway-process.ts';
import { ANSWERS } from './test/wire-shapes.ts';

function temporaryRun() {
  const path = mkdtempSync(join(tmpdir(), 'run-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

test('starts without a keeper, refuses every call, and ends with its lifeline', async () => {
  using run = temporaryRun();
  await using gateway = await startGatewayProcess(run.path);
  assert.equal(gateway.report.ready, true);
  const mode = statSync(gateway.socketPath).mode & 0o777;
  assert.equal(mode, 0o600);
  const call = await callSocket(gateway.socketPath, 'ollama/chat/completions', ANSWERS['openai-chat'].ask);
  assert.equal(call.status, 503);
  assert.equal(JSON.parse(call.text).error.rule, 'vault.keeper');
  const health = await callSocket(gateway.socketPath, '/health', undefined, { method: 'GET' });
  assert.deepEqual(JSON.parse(health.text), {
    ok: false,
    uid: process.getuid?.(),
    pid: gateway.pid,
    models: [],
  });
  assert.equal(await gateway.stop(), 0);
  assert.equal(gateway.output(), '');
});

test('takes over the socket that a killed gateway left', async () => {
  using run = temporaryRun();
  const first = await startGatewayProcess(run.path);
  await first.kill();
  assert.equal(existsSync(first.socketPath), true);
  await using second = await startGatewayProcess(run.path);
  const health = await callSocket(second.socketPath, '/health', undefined, { method: 'GET' });
  assert.equal(health.status, 200);
});

test('gives up root before it answers', { skip: process.getuid?.() !== 0 }, async () => {
  using run = temporaryRun();
  chmodSync(run.path, 0o711);
  await using gateway = await startGatewayProcess(run.path, { uid: 64_321 });
  assert.equal(statSync(`/proc/${gateway.pid}`).uid, 64_321);
  assert.equal(statSync(gateway.socketPath).uid, 0);
  const call = await callSocket(gateway.socketPath, 'ollama/chat/completions', ANSWERS['openai-chat'].ask);
  assert.equal(call.status, 503);
});

test('wrong settings are told in one sentence', async () => {
  using run = temporaryRun();
  for (const settings of [{ uid: 0 }, { extraRootsPem: null }, { more: 1 }]) {
    const gateway = await startGatewayProcess(run.path, Object(settings));
    assert.equal(gateway.report.ready, false);
    assert.notEqual(await gateway.stop(), 0);
  }
});
