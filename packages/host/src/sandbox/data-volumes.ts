import type { EngineClient } from '../engine/engine-client.ts';
import { containerLabels, LABELS, volumeName } from './container-spec.ts';

/** An agent's private volume, made ready for one start. */
export interface DataVolume {
  name: string;
  /** Bytes in it now, where the limit is only polled; null where the machine enforces it. */
  usedBytes: (() => Promise<number | null>) | null;
  /** Called when the container that used it is gone. */
  release(): Promise<void>;
}

/** How the size of /data is bounded on this machine, and the volumes that are. */
export interface DataVolumes {
  /** `why` a hard limit cannot be given, null where it can. */
  readonly cannotEnforce: string | null;
  prepare(installation: string, agent: string, bytes: number): Promise<DataVolume>;
  /** Removes the volume and all that it holds on this machine. */
  remove(installation: string, agent: string): Promise<void>;
  /** Frees what a crash left attached. No container of the installation runs any more. */
  removeLeftovers(installation: string): Promise<void>;
}

/** Volumes of the engine whose size is only watched. */
export function createPolledVolumes(engine: EngineClient, why: string): DataVolumes {
  const known = new Set<string>();
  return {
    cannotEnforce: why,
    async prepare(installation, agent) {
      const name = volumeName(installation, agent);
      if (!known.has(name)) {
        await engine.createVolume({ Name: name, Labels: containerLabels(installation, agent) });
        known.add(name);
      }
      return { name, usedBytes: () => engine.volumeBytes(name), release: async () => {} };
    },
    async remove(installation, agent) {
      const name = volumeName(installation, agent);
      known.delete(name);
      await engine.removeVolume(name);
    },
    removeLeftovers: async () => {},
  };
}

/** Every volume of an installation, for uninstalling. */
export async function listDataVolumes(engine: EngineClient, installation: string): Promise<string[]> {
  const volumes = await engine.listVolumes([LABELS.ours, LABELS.installation(installation)]);
  return volumes.map((volume) => volume.Name);
}
