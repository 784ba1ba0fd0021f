import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { createEngineClient } from '../engine/engine-client.ts';
import { findEngine } from '../engine/find-engine.ts';
import { createImageFor } from '../image/create-image-for.ts';
import { chooseRuntime } from '../sandbox/choose-runtime.ts';
import { chooseVolumes } from '../sandbox/choose-volumes.ts';
import { createDockerBackend } from '../sandbox/docker-backend.ts';
import type { Sandboxes } from './agent-container.ts';
import { ensureImageApart } from './ensure-image-apart.ts';

/**
 * What agents run on: the engine, the strongest runtime where asked for, limited volumes, and the image, built
 * where it is missing; leftovers of an earlier host are removed first. Throws with the remedy of the step that failed.
 */
export async function prepareSandboxes(options: {
  environment: NodeJS.ProcessEnv;
  installation: string;
  volumesDirectory: string;
  sandbox: boolean;
  log: (message: string) => void;
  signal: AbortSignal;
}): Promise<Awaited<ReturnType<Sandboxes>>> {
  const { environment, installation, signal, log } = options;
  const search = await findEngine({ env: environment, signal });
  if (!search.found) throw new OpenLegionError(search.refusal);
  const engine = await createEngineClient(search.address);
  const runtime = await chooseRuntime(engine, options.sandbox);
  if (!runtime.chosen) throw new OpenLegionError(runtime.refusal);
  const volumes = await chooseVolumes(engine, options.volumesDirectory);
  const backend = await createDockerBackend({
    engine,
    runtime: runtime.runtime,
    volumes,
    directory: options.volumesDirectory,
  });
  const removed = await backend.removeLeftovers(installation);
  if (removed > 0) log(`removed ${removed} containers that an earlier host left`);
  const image = await ensureImageApart({ environment, log, signal });
  const imageFor = createImageFor({
    plain: image,
    ensure: (variant) => ensureImageApart({ environment, log, signal, variant }),
  });
  return { backend, image, imageFor };
}
