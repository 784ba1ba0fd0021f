import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { PartReport } from '@openlegion/contract/process-protocol';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

async function start(settings: unknown): Promise<{ child: ChildProcess; report: PartReport }> {
  const child = spawn(process.execPath, [MAIN, '--config-json', JSON.stringify(settings)], {
    stdio: ['pipe', 'ignore', 'inherit', 'pipe'],
    env: { PATH: process.env.PATH },
  });
  let text = '';
  for await (const chunk of child.stdio[3] as AsyncIterable<Buffer>) text += chunk.toString();
  return { child, report: JSON.parse(text) };
}

test('listens on its socket, open to its owner alone, and stops at the end of its lifeline', async () => {
  const run = mkdtempSync(join(tmpdir(), 'scripted-main-'));
  try {
    const { child, report } = await start({
      run,
      scriptsDirectory: run,
      gatewayUid: process.getuid?.() ?? null,
    });
    const socketPath = join(run, 'scripted.sock');
    assert.deepEqual(report, { ready: true, detail: { socket: socketPath } });
    assert.equal(statSync(socketPath).mode & 0o777, 0o600);
    const call = request({ socketPath, path: '/v1/models' }).end();
    const [response] = await once(call, 'response');
    assert.equal(response.statusCode, 200);
    response.resume();
    const exited = once(child, 'exit');
    child.stdin?.end();
    assert.deepEqual(await exited, [0, null]);
  } finally {
    rmSync(run, { recursive: true });
  }
});

test('listens on loopback when it is asked to, and says on which port', async () => {
  const { child, report } = await start({ run: '/', scriptsDirectory: '/', listen: { port: 0 } });
  assert.ok(report.ready && typeof report.detail.port === 'number' && report.detail.port > 0);
  const exited = once(child, 'exit');
  child.stdin?.end();
  await exited;
});

test('says why it could not start', async () => {
  for (const settings of [
    { run: '/nowhere/at/all', scriptsDirectory: '/' },
    { run: '/', scriptsDirectory: '/', extra: 1 },
  ]) {
    const { child, report } = await start(settings);
    assert.equal(report.ready, false);
    if (child.exitCode === null) await once(child, 'exit');
    assert.equal(child.exitCode, 1);
  }
});
