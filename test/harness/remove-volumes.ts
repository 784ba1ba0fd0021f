import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createEngineClient } from '../../packages/host/src/engine/engine-client.ts';
import { findEngine } from '../../packages/host/src/engine/find-engine.ts';
import { LABELS } from '../../packages/host/src/sandbox/container-spec.ts';

/** Removes the agents' volumes of the installation at `home`, which outlive it by design. Before `home` is removed. */
export async function removeVolumes(home: string): Promise<void> {
  const search = await findEngine({ env: process.env });
  if (!search.found) return;
  const installation = createHash('sha256').update(realpathSync(home)).digest('hex').slice(0, 12);
  const engine = await createEngineClient(search.address);
  try {
    const volumes = await engine.listVolumes([LABELS.ours, LABELS.installation(installation)]);
    for (const { Name } of volumes) await engine.removeVolume(Name);
  } finally {
    engine.close();
  }
}
