import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createEngineClient, type EngineClient } from '../engine/engine-client.ts';
import { findEngine } from '../engine/find-engine.ts';
import { volumeName } from './container-spec.ts';
import { listLoops } from './loop-devices.ts';
import { createLoopVolumes } from './loop-volumes.ts';

const MEBIBYTE = 1024 * 1024;

describe('loop volumes', { concurrency: 1, skip: process.getuid?.() !== 0 && 'needs root' }, () => {
  let engine: EngineClient;
  let directory = '';
  const installation = `loop${process.pid}`;
  const attached = async () => (await listLoops()).filter(({ file }) => file.startsWith(`${directory}/`));

  before(async () => {
    const search = await findEngine({ env: process.env });
    assert.ok(search.found);
    engine = await createEngineClient(search.address);
    directory = await mkdtemp(join(tmpdir(), 'ol-loop-'));
  });
  after(async () => {
    const volumes = await createLoopVolumes(engine, directory);
    await volumes.removeLeftovers();
    for (const agent of ['alpha', 'beta']) await volumes.remove(installation, agent);
    engine.close();
    await rm(directory, { recursive: true });
  });

  test('a device is attached while it is used, once, and let go after', async () => {
    const volumes = await createLoopVolumes(engine, directory);
    const [one, two] = await Promise.all([
      volumes.prepare(installation, 'alpha', 16 * MEBIBYTE),
      volumes.prepare(installation, 'alpha', 16 * MEBIBYTE),
    ]);
    assert.equal((await attached()).length, 1);
    const volume = await engine.inspectVolume(volumeName(installation, 'alpha'));
    assert.equal(volume?.Options.device, (await attached())[0]?.device);
    await one.release();
    await one.release();
    assert.equal((await attached()).length, 1);
    await two.release();
    assert.equal((await attached()).length, 0);
  });

  test('what a crash left attached is found by its file: used again, or let go', async () => {
    const crashed = await createLoopVolumes(engine, directory);
    await crashed.prepare(installation, 'alpha', 16 * MEBIBYTE);
    const [left] = await attached();
    const next = await createLoopVolumes(engine, directory);
    const again = await next.prepare(installation, 'alpha', 16 * MEBIBYTE);
    assert.deepEqual(await attached(), [left]);
    await next.removeLeftovers();
    assert.deepEqual(await attached(), [left], 'one in use stays');
    await again.release();
    await crashed.prepare(installation, 'alpha', 16 * MEBIBYTE);
    await (await createLoopVolumes(engine, directory)).removeLeftovers();
    assert.deepEqual(await attached(), []);
  });

  test('an image that was being made when the host died is made anew', async () => {
    await writeFile(join(directory, 'beta.ext4.new'), 'half');
    const volumes = await createLoopVolumes(engine, directory);
    await volumes.removeLeftovers();
    assert.deepEqual(
      (await readdir(directory)).filter((name) => name.endsWith('.new')),
      [],
    );
    await writeFile(join(directory, 'beta.ext4.new'), 'half');
    const volume = await volumes.prepare(installation, 'beta', 16 * MEBIBYTE);
    await volume.release();
  });

  test('a raised limit makes it larger; a lowered one leaves it', async () => {
    const volumes = await createLoopVolumes(engine, directory);
    const sizeAfter = async (bytes: number) => {
      await (await volumes.prepare(installation, 'alpha', bytes)).release();
      return (await stat(join(directory, 'alpha.ext4'))).size / MEBIBYTE;
    };
    assert.equal(await sizeAfter(32 * MEBIBYTE), 32);
    assert.equal(await sizeAfter(16 * MEBIBYTE), 32);
  });

  test('takes disk only for what is written', async () => {
    const volumes = await createLoopVolumes(engine, directory);
    await volumes.remove(installation, 'beta');
    await (await volumes.prepare(installation, 'beta', 1024 * MEBIBYTE)).release();
    const { size, blocks } = await stat(join(directory, 'beta.ext4'));
    assert.equal(size, 1024 * MEBIBYTE);
    assert.ok(blocks * 512 < 64 * MEBIBYTE, `${blocks * 512} bytes`);
  });
});
