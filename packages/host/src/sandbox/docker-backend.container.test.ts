import { chooseVolumes } from './choose-volumes.ts';
import { createDockerBackend } from './docker-backend.ts';
import { createEngineVolumes } from './engine-volumes.ts';
import { sandboxContract } from './test/sandbox-contract.ts';
import { openMachineEngine } from './test/test-engines.ts';

sandboxContract({
  name: 'the engine’s default runtime',
  open: openMachineEngine,
  createBackend: async (engine, directory) =>
    createDockerBackend({
      engine,
      runtime: null,
      directory,
      volumes: await chooseVolumes(engine, directory),
    }),
});

sandboxContract({
  name: 'without a disk quota',
  open: openMachineEngine,
  createBackend: async (engine, directory) =>
    createDockerBackend({
      engine,
      runtime: null,
      directory,
      volumes: createEngineVolumes(engine, 'it is not asked for'),
    }),
});
