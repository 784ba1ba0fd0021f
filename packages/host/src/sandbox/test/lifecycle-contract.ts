import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import type { EngineClient } from '../../engine/engine-client.ts';
import { CPU_QUOTA } from './inside-programs.ts';
import { python, readLine } from './run-in-sandbox.ts';
import type { ContractContext } from './sandbox-contract.ts';

const IGNORES_ITS_END = python('import signal\nprint("ready", flush=True)\nwhile True: signal.pause()');
const STAYS = ['sh', '-c', 'echo ready; exec cat'];
const Inspection = z.object({ HostConfig: z.record(z.string(), z.unknown()) });

export function lifecycleTests(context: ContractContext): void {
  const start = async (command: readonly string[], agent = 'alpha') => {
    const sandbox = await context.start({ command, agent });
    await readLine(sandbox);
    return sandbox;
  };

  test('stop closes the input, and one that listens ends by itself', async () => {
    const sandbox = await start(['sh', '-c', 'echo ready; cat; exit 7']);
    await sandbox.stop(10_000);
    const exit = await sandbox.exited;
    assert.deepEqual([exit.cause, exit.exitCode], ['stopped', 7]);
    assert.deepEqual(await context.containers(), []);
  });

  test('stop kills one that does not listen, and may be asked again', async () => {
    const sandbox = await start(IGNORES_ITS_END);
    await Promise.all([sandbox.stop(50), sandbox.stop(50)]);
    await sandbox.stop(50);
    assert.equal((await sandbox.exited).cause, 'stopped');
    assert.deepEqual(await context.containers(), []);
  });

  test('data in /data outlives the container, and removeVolume ends it', async () => {
    const run = async (command: string) => {
      const sandbox = await context.start({
        command: ['sh', '-c', command],
        dataBytes: 16 * 1024 * 1024,
        agent: 'beta',
      });
      const line = await readLine(sandbox);
      await sandbox.exited;
      return line;
    };
    assert.equal(await run('echo kept > /data/note; echo wrote'), 'wrote');
    assert.equal(await run('cat /data/note'), 'kept');
    await context.backend().removeVolume(context.installation, 'beta');
    assert.equal(await run('cat /data/note 2>/dev/null || echo gone'), 'gone');
    await context.backend().removeVolume(context.installation, 'beta');
    await context.backend().removeVolume(context.installation, 'beta');
  });

  for (const method of ['createContainer', 'attachContainer', 'startContainer'] as const) {
    test(`a start given up at ${method} leaves nothing behind`, async () => {
      for (const moment of ['before', 'after'] as const) {
        const abort = new AbortController();
        const engine = context.engine();
        const given: EngineClient = {
          ...engine,
          [method]: async (...args: never[]) => {
            if (moment === 'before') abort.abort();
            const call = engine[method] as (...args: never[]) => Promise<unknown>;
            const result = await call(...args);
            if (moment === 'after') abort.abort();
            return result;
          },
        };
        const backend = await context.createBackend(given);
        await assert.rejects(backend.start(context.spec({ command: STAYS }), abort.signal), moment);
        assert.deepEqual(await context.containers(), [], moment);
      }
    });
  }

  test('the signal of a start that is over does not touch what runs', async () => {
    const abort = new AbortController();
    const sandbox = await context.backend().start(context.spec({ command: STAYS }), abort.signal);
    abort.abort();
    assert.equal(await readLine(sandbox), 'ready');
    sandbox.pipe.write('still there\n');
    assert.equal(await readLine(sandbox), 'still there');
    await sandbox.stop(1000);
  });

  test('an image that is not there is said, and nothing is left', async () => {
    const spec = context.spec({ command: STAYS, image: 'openlegion-agent:0000000000000000' });
    await assert.rejects(
      context.backend().start(spec, AbortSignal.timeout(30_000)),
      /create container|image/i,
    );
    assert.deepEqual(await context.containers(), []);
  });

  test('removes what a crash left, and nothing of others', async () => {
    const crashed = await context.createBackend(context.engine());
    const spec = context.spec({ command: IGNORES_ITS_END });
    const left = await crashed.start(spec, AbortSignal.timeout(30_000));
    const held = await start(STAYS);
    const others = await crashed.start(
      { ...spec, installation: `${context.installation}x` },
      AbortSignal.timeout(30_000),
    );
    assert.equal(await context.backend().removeLeftovers(context.installation), 1);
    assert.deepEqual(await context.containers(), [held.containerId]);
    assert.equal((await left.exited).cause, 'killed');
    assert.ok(await others.inspect());
    await Promise.all([held.stop(1000), others.stop(0)]);
  });

  test('reports being killed or removed from outside', async () => {
    const killed = await start(STAYS);
    await context.engine().killContainer(killed.containerId);
    assert.equal((await killed.exited).cause, 'killed');
    const removed = await start(STAYS);
    await context.engine().removeContainer(removed.containerId);
    assert.equal((await removed.exited).cause, 'killed');
    assert.deepEqual(await context.containers(), []);
  });

  test('the processor limit is on after the clamp, and where it can be, not before', async () => {
    const command = python(CPU_QUOTA);
    const sandbox = await context.start({ command, cpus: 0.15 });
    const { before } = z.object({ before: z.string() }).parse(JSON.parse(await readLine(sandbox)));
    await sandbox.clamp();
    const { HostConfig } = Inspection.parse(await sandbox.inspect());
    sandbox.pipe.write('\n');
    const { after } = z.object({ after: z.string() }).parse(JSON.parse(await readLine(sandbox)));
    await sandbox.stop(2000);
    if (await context.cannot('cpu_limit')) {
      assert.equal(after, 'none');
      return;
    }
    assert.equal(after, '15000');
    assert.equal(before, (await context.cannot('cpu_clamp_after_start')) ? '15000' : '-1');
    assert.equal(HostConfig.NanoCpus, 150_000_000);
  });

  test('a clamp that fails ends it', async () => {
    if (await context.cannot('cpu_clamp_after_start')) return;
    const engine = context.engine();
    const broken = await context.createBackend({
      ...engine,
      updateContainer: () => Promise.reject(new Error('no')),
    });
    const sandbox = await broken.start(context.spec({ command: STAYS }), AbortSignal.timeout(30_000));
    await assert.rejects(sandbox.clamp(), /processor limit/);
    assert.equal((await sandbox.exited).cause, 'limit');
    assert.deepEqual(await context.containers(), []);
  });
}
