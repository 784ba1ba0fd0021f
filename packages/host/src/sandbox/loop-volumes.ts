import { mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { EngineClient } from '../engine/engine-client.ts';
import { EngineError } from '../engine/engine-error.ts';
import { AGENT_UID, containerLabels, volumeName } from './container-spec.ts';
import type { DataVolumes } from './data-volumes.ts';
import { attachLoop, detachLoop, formatExt4, growExt4, listLoops } from './loop-devices.ts';

/** The smallest file system that ext4 makes with a journal. */
const MIN_BYTES = 8 * 1024 * 1024;

/**
 * Volumes that are file systems of a fixed size: a sparse ext4 image below `directory`, attached to a loop device
 * while its agent runs and mounted by the engine. The kernel enforces the size, and `nosuid,nodev` with it.
 *
 * The engine's volume names the device, whose number may be another one next time, so the volume (a name and its
 * options; the data is in the file) is made anew when it differs. After a crash a device that is still attached is
 * found by its file.
 */
export async function createLoopVolumes(engine: EngineClient, directory: string): Promise<DataVolumes> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // As the kernel names it.
  const root = await realpath(directory);
  const imageFile = (agent: string) => join(root, `${agent}.ext4`);
  /** One at a time for each agent: a start that overlaps the end of the last one must see what that left. */
  const queues = new Map<string, Promise<unknown>>();
  const inOrder = async <T>(agent: string, work: () => Promise<T>): Promise<T> => {
    const before = queues.get(agent) ?? Promise.resolve();
    const mine = before.then(work, work);
    queues.set(agent, mine);
    return await mine;
  };
  const users = new Map<string, number>();

  return {
    cannotEnforce: null,
    async prepare(installation, agent, bytes) {
      const file = imageFile(agent);
      const name = volumeName(installation, agent);
      await inOrder(agent, async () => {
        await ensureImageFile(file, Math.max(bytes, MIN_BYTES));
        const device = await attachLoop(file);
        const others = users.get(agent) ?? 0;
        try {
          await ensureVolume(engine, name, device, containerLabels(installation, agent));
        } catch (error) {
          if (others === 0) await detachLoop(file);
          throw error;
        }
        users.set(agent, others + 1);
      });
      let released = false;
      return {
        name,
        owned: true,
        usedBytes: null,
        release: () =>
          inOrder(agent, async () => {
            if (released) return;
            released = true;
            const left = (users.get(agent) ?? 1) - 1;
            users.set(agent, left);
            if (left === 0) await detachLoop(file);
          }),
      };
    },
    remove: (installation, agent) =>
      inOrder(agent, async () => {
        await engine.removeVolume(volumeName(installation, agent));
        await detachLoop(imageFile(agent));
        await rm(imageFile(agent), { force: true });
      }),
    async removeLeftovers() {
      for (const loop of await listLoops()) {
        if (!loop.file.startsWith(`${root}/`)) continue;
        if ((users.get(basename(loop.file, '.ext4')) ?? 0) === 0) await detachLoop(loop.file);
      }
      // A crash in the middle of making one.
      for (const entry of await readdir(root)) {
        if (entry.endsWith('.new')) await rm(join(root, entry), { force: true });
      }
    },
  };
}

async function ensureImageFile(file: string, bytes: number): Promise<void> {
  const existing = await stat(file).catch(() => null);
  if (existing) {
    // Never made smaller: that could lose what the agent keeps. One that is in use grows at its next start.
    const attached = (await listLoops()).some((loop) => loop.file === file);
    if (existing.size < bytes && !attached) await growExt4(file, bytes);
    return;
  }
  const unfinished = `${file}.new`;
  await rm(unfinished, { force: true });
  const handle = await open(unfinished, 'wx', 0o600);
  try {
    await handle.truncate(bytes);
  } finally {
    await handle.close();
  }
  await formatExt4(unfinished, AGENT_UID);
  await rename(unfinished, file);
}

async function ensureVolume(
  engine: EngineClient,
  name: string,
  device: string,
  labels: Record<string, string>,
): Promise<void> {
  const body = {
    Name: name,
    Labels: labels,
    DriverOpts: { type: 'ext4', device, o: 'nosuid,nodev,noatime,discard' },
  };
  // The engine answers with the volume that exists, options as they were, or refuses other options (409).
  const volume = await engine.createVolume(body).catch((error: unknown) => {
    if (error instanceof EngineError && error.status === 409) return null;
    throw error;
  });
  if (volume?.Options.device === device) return;
  await engine.removeVolume(name);
  await engine.createVolume(body);
}
