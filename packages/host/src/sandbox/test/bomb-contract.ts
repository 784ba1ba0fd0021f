import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { diskBomb, forkBomb, memoryBomb } from './inside-programs.ts';
import { python, readLine } from './run-in-sandbox.ts';
import type { ContractContext } from './sandbox-contract.ts';

const MEBIBYTE = 1024 * 1024;
const Forked = z.object({ children: z.number(), end: z.string() });
const Filled = z.object({ written: z.number(), end: z.string() });

export function bombTests(context: ContractContext): void {
  test('a fork bomb stops at the limit of processes, or the limit is declared missing', async () => {
    const { output, exit } = await context.run({ command: python(forkBomb(120)), pids: 64 });
    const { children, end } = Forked.parse(JSON.parse(output || `{"end":"${exit.reason}"}`));
    if (await context.cannot('pids_limit'))
      assert.deepEqual({ children, end }, { children: 120, end: 'unbounded' });
    else {
      assert.ok(children < 64, `${children} children`);
      assert.match(end, /temporarily unavailable/);
    }
  });

  test('a memory bomb is ended as out of memory, or the limit is declared missing', async () => {
    const { output, exit } = await context.run({
      command: python(memoryBomb(256 * MEBIBYTE)),
      memoryBytes: 96 * MEBIBYTE,
    });
    if (await context.cannot('memory_limit')) {
      assert.deepEqual(JSON.parse(output), { held: 256 * MEBIBYTE });
      return;
    }
    assert.equal(output, '');
    if (context.engine().flavour === 'podman') {
      assert.equal(exit.cause, 'killed', exit.reason);
      assert.match(exit.reason, /perhaps for its memory/);
      return;
    }
    assert.equal(exit.cause, 'out_of_memory', exit.reason);
    assert.match(exit.reason, /96 MB/);
  });

  test('a child that is out of memory takes its parent along only when the parent ends of it', async () => {
    if ((await context.cannot('memory_limit')) || context.engine().flavour === 'podman') return;
    const child = (end: string) => `python3 -c '${memoryBomb(256 * MEBIBYTE)}'; ${end}`;
    const run = (end: string) =>
      context.run({ command: ['sh', '-c', child(end)], memoryBytes: 96 * MEBIBYTE });
    assert.equal((await run('exit 3')).exit.cause, 'out_of_memory');
    const survivor = await run('echo lives; exit 0');
    assert.equal(survivor.output, 'lives\n');
    assert.equal(survivor.exit.cause, 'exited');
  });

  test('a disk bomb in /data stops at its quota, or is ended by the polled limit that is declared', async () => {
    const bytes = 24 * MEBIBYTE;
    const sandbox = await context.start({
      command: python(diskBomb('/data', 96 * MEBIBYTE)),
      dataBytes: bytes,
    });
    const { written, end } = Filled.parse(JSON.parse(await readLine(sandbox)));
    if (await context.cannot('disk_quota')) {
      assert.deepEqual({ written, end }, { written: 96 * MEBIBYTE, end: 'unbounded' });
      const exit = await sandbox.exited;
      assert.equal(exit.cause, 'limit');
      assert.match(exit.reason, /24 MB \(resources\.disk_limit\)/);
    } else {
      assert.ok(written <= bytes, `${written} bytes`);
      assert.match(end, /No space left|quota exceeded/i);
      await sandbox.stop(2000);
    }
    await context.backend().removeVolume(context.installation, 'alpha');
  });

  test('a disk bomb elsewhere stops at the size of the tmpfs', async () => {
    for (const directory of ['/tmp', '/data', '/dev/shm']) {
      const { output, exit } = await context.run({
        command: python(diskBomb(directory, 160 * MEBIBYTE)),
        memoryBytes: 512 * MEBIBYTE,
        dataBytes: null,
      });
      const { written, end } = Filled.parse(JSON.parse(output || `{"end":"${exit.reason}"}`));
      assert.ok(written <= 64 * MEBIBYTE, `${directory}: ${written}`);
      assert.match(end, /No space left/, directory);
    }
  });
}
