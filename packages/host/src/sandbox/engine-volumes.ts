import { randomBytes } from 'node:crypto';
import type { EngineClient } from '../engine/engine-client.ts';
import { EngineError } from '../engine/engine-error.ts';
import { containerLabels, volumeName } from './container-spec.ts';
import type { DataVolumes } from './data-volumes.ts';

/** An answer serves every agent that asks within this time: the engine walks all volumes for one. */
const SIZES_VALID_MS = 1800;

/**
 * Whether the engine gives a volume a size. It does where its disk is xfs or ext4 with project quotas; elsewhere it
 * refuses the option.
 */
export async function engineLimitsVolumes(engine: EngineClient): Promise<boolean> {
  // Podman takes the option at creation and fails at the mount.
  if (engine.flavour === 'podman') return false;
  const name = `openlegion_trial_${randomBytes(6).toString('hex')}`;
  try {
    await engine.createVolume({ Name: name, Labels: { openlegion: '1' }, DriverOpts: { size: '16m' } });
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
  await engine.removeVolume(name);
  return true;
}

/** Plain volumes of the engine. `polled` says why it cannot limit them; null where it does. */
export function createEngineVolumes(
  engine: EngineClient,
  polled: string | null,
  nowMs: () => number = () => performance.now(),
): DataVolumes {
  const known = new Set<string>();
  let sizes: { at: number; answer: Promise<Map<string, number>> } | null = null;
  const usedBytes = async (name: string) => {
    if (!sizes || nowMs() - sizes.at > SIZES_VALID_MS) sizes = { at: nowMs(), answer: engine.volumeSizes() };
    return (await sizes.answer).get(name) ?? null;
  };
  return {
    cannotEnforce: polled,
    async prepare(installation, agent, bytes) {
      const name = volumeName(installation, agent);
      if (!known.has(name)) {
        await engine.createVolume({
          Name: name,
          Labels: containerLabels(installation, agent),
          ...(polled === null && { DriverOpts: { size: String(bytes) } }),
        });
        known.add(name);
      }
      const poll = polled === null ? null : () => usedBytes(name);
      return { name, owned: false, usedBytes: poll, release: async () => {} };
    },
    async remove(installation, agent) {
      const name = volumeName(installation, agent);
      known.delete(name);
      await engine.removeVolume(name);
    },
    removeLeftovers: async () => {},
  };
}
