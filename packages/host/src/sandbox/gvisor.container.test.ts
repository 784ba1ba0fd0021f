import { chooseVolumes } from './choose-volumes.ts';
import { createDockerBackend } from './docker-backend.ts';
import { sandboxContract } from './test/sandbox-contract.ts';
import { openDockerdWithGvisor } from './test/test-engines.ts';

sandboxContract({
  name: 'gVisor',
  open: openDockerdWithGvisor,
  createBackend: async (engine, directory) =>
    createDockerBackend({
      engine,
      runtime: 'runsc',
      directory,
      volumes: await chooseVolumes(engine, directory),
    }),
});
