import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { python, readLine } from './run-in-sandbox.ts';
import type { ContractContext } from './sandbox-contract.ts';

const MEBIBYTE = 1024 * 1024;

export function pipeTests(context: ContractContext): void {
  test('carries bytes both ways, every value, and standard error apart', async () => {
    const spec = context.spec({ command: ['sh', '-c', 'echo apart >&2; exec cat'] });
    const sandbox = await context.backend().start(spec, AbortSignal.timeout(30_000));
    const every = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
    sandbox.pipe.end(every);
    const chunks: Buffer[] = [];
    for await (const chunk of sandbox.pipe) chunks.push(chunk);
    assert.deepEqual(Buffer.concat(chunks), every);
    const exit = await sandbox.exited;
    assert.equal(exit.cause, 'exited');
    assert.equal(exit.exitCode, 0);
    assert.equal(exit.stderr, 'apart\n');
  });

  test('carries 50 MB there and back unchanged, holding no more than a few buffers', async () => {
    const sandbox = await context.start({ command: ['cat'] });
    const block = randomBytes(MEBIBYTE);
    const sent = createHash('sha256');
    const send = (async () => {
      for (let index = 0; index < 50; index++) {
        sent.update(block);
        if (!sandbox.pipe.write(block))
          await new Promise<void>((resolve) => sandbox.pipe.once('drain', resolve));
      }
      sandbox.pipe.end();
    })();
    const received = createHash('sha256');
    let held = 0;
    for await (const chunk of sandbox.pipe) {
      received.update(chunk);
      held = Math.max(held, sandbox.pipe.readableLength);
      // A reader that is slower than the container: without back-pressure everything would gather here.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await send;
    assert.equal(received.digest('hex'), sent.digest('hex'));
    assert.ok(held <= 256 * 1024, `${held} bytes were held`);
    await sandbox.exited;
  });

  test('ends the input alone: what is written after it still arrives', async () => {
    const program = 'import sys; sys.stdin.read(); print("after the end", flush=True)';
    const { output } = await context.run({ command: python(program) });
    assert.equal(output, 'after the end\n');
  });

  test('a flood on standard error ends it, and at most 64 KiB of it are kept', async () => {
    const program = 'import os\nblock = b"x" * 65536\nwhile True: os.write(2, block)';
    const { exit } = await context.run({ command: python(program) });
    assert.equal(exit.cause, 'limit');
    assert.match(exit.reason, /standard error/);
    assert.ok(exit.stderr.length <= 64 * 1024);
  });

  test('a flood on standard output ends it, though everything is read', async () => {
    const program = 'import os\nblock = b"x" * (1 << 20)\nwhile True: os.write(1, block)';
    const sandbox = await context.start({ command: python(program) });
    sandbox.pipe.resume();
    const exit = await sandbox.exited;
    assert.equal(exit.cause, 'limit');
    assert.match(exit.reason, /standard output/);
  });

  test('reports statistics of what runs', async () => {
    const program = 'import sys; held = bytearray(32 << 20); print("ready", flush=True); sys.stdin.read()';
    const sandbox = await context.start({ command: python(program) });
    await readLine(sandbox);
    const stats = await sandbox.stats();
    if (!(await context.cannot('memory_limit')))
      assert.ok(stats.memoryBytes > 8 * MEBIBYTE, JSON.stringify(stats));
    if (!(await context.cannot('cpu_limit'))) assert.ok(stats.cpuNanoseconds > 0, JSON.stringify(stats));
    await sandbox.stop(2000);
  });
}
