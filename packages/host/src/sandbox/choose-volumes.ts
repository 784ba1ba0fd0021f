import { access, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { EngineInfo } from '../engine/engine-answers.ts';
import type { EngineClient } from '../engine/engine-client.ts';
import { sameMachine } from '../engine/same-machine.ts';
import type { DataVolumes } from './data-volumes.ts';
import { createEngineVolumes, engineLimitsVolumes } from './engine-volumes.ts';
import { attachLoop, detachLoop } from './loop-devices.ts';
import { createLoopVolumes } from './loop-volumes.ts';

const LOOP_PROGRAMS = ['losetup', 'mkfs.ext4', 'debugfs'];

/**
 * The strongest limit on the size of /data that this machine gives: the engine's own, then file systems in files of
 * `directory` (root on the engine's machine only), then a polled one that stops the agent, which is declared.
 */
export async function chooseVolumes(engine: EngineClient, directory: string): Promise<DataVolumes> {
  if (await engineLimitsVolumes(engine)) return createEngineVolumes(engine, null);
  const polled = (why: string) =>
    createEngineVolumes(engine, `the engine's disk has no project quotas, and ${why}; use is polled instead`);
  const why = await whyNoLoops(engine, await engine.info());
  if (why) return polled(why);
  const volumes = await createLoopVolumes(engine, directory);
  const trial = await tryLoop(directory);
  return trial === null ? volumes : polled(`loop devices do not work here (${trial})`);
}

/** A device of this machine means something to the engine only where both are on one kernel. */
async function whyNoLoops(engine: EngineClient, info: EngineInfo): Promise<string | null> {
  if (process.getuid?.() !== 0) return 'only root may attach file systems of a fixed size';
  if (!sameMachine(engine, info)) return 'the engine runs on another machine';
  if (info.SecurityOptions.some((option) => option.includes('rootless'))) return 'the engine is rootless';
  for (const program of LOOP_PROGRAMS) {
    const places = ['/usr/sbin', '/sbin'].map((folder) => access(join(folder, program)));
    const found = await Promise.any(places).then(
      () => true,
      () => false,
    );
    if (!found) return `${program} is not installed (Debian: apt-get install e2fsprogs util-linux)`;
  }
  return null;
}

/** Null when a loop device could be attached and let go. */
async function tryLoop(directory: string): Promise<string | null> {
  const file = join(await realpath(directory), 'trial.new');
  try {
    await writeFile(file, Buffer.alloc(64 * 1024), { mode: 0o600 });
    await attachLoop(file);
    await detachLoop(file);
    return null;
  } catch (error) {
    return error instanceof OpenLegionError ? error.message : 'the trial failed';
  } finally {
    await rm(file, { force: true });
  }
}
