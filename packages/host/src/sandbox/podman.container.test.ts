import { chooseVolumes } from './choose-volumes.ts';
import { createDockerBackend } from './docker-backend.ts';
import { sandboxContract } from './test/sandbox-contract.ts';
import { openPodman } from './test/test-engines.ts';

sandboxContract({
  name: 'Podman',
  open: openPodman,
  createBackend: async (engine, directory) =>
    createDockerBackend({
      engine,
      runtime: null,
      directory,
      volumes: await chooseVolumes(engine, directory),
    }),
});
