import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineClient } from '../packages/host/src/engine/engine-client.ts';
import { connectPipe } from '../packages/host/src/pipe/connect-pipe.ts';
import type { Pipe } from '../packages/host/src/pipe/pipe.ts';
import { chooseVolumes } from '../packages/host/src/sandbox/choose-volumes.ts';
import { createDockerBackend } from '../packages/host/src/sandbox/docker-backend.ts';
import type { Sandbox } from '../packages/host/src/sandbox/sandbox-backend.ts';

export interface AgentStarter extends AsyncDisposable {
  /** The product's agent in the product's sandbox: it has answered `GET /status` and is clamped. */
  start(): Promise<{ sandbox: Sandbox; pipe: Pipe }>;
}

export async function createAgentStarter(engine: EngineClient, image: string): Promise<AgentStarter> {
  const directory = mkdtempSync(join(tmpdir(), 'openlegion-bench-'));
  const installation = `bench${randomBytes(3).toString('hex')}`;
  const volumes = await chooseVolumes(engine, directory);
  const backend = await createDockerBackend({ engine, runtime: null, volumes });
  let started = 0;
  return {
    async start() {
      const agent = `bench-${started++ % 2}`;
      const sandbox = await backend.start(
        {
          installation,
          agent,
          image,
          memoryBytes: 384 * 1024 * 1024,
          cpus: 0.15,
          pids: 256,
          dataBytes: 256 * 1024 * 1024,
        },
        new AbortController().signal,
      );
      const pipe = await connectPipe({
        bytes: sandbox.pipe,
        handle: async ({ stream }) => stream.respond({ ':status': 404 }, { endStream: true }),
      });
      const status = await pipe.request({ method: 'GET', path: '/status' });
      if (status.status !== 200) throw new Error(`GET /status was answered ${status.status}`);
      await status.text();
      await sandbox.clamp();
      return { sandbox, pipe };
    },
    async [Symbol.asyncDispose]() {
      await backend.removeLeftovers(installation);
      for (const agent of ['bench-0', 'bench-1']) await backend.removeVolume(installation, agent);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
