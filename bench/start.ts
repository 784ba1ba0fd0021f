import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectPipe } from '../packages/host/src/pipe/connect-pipe.ts';
import { chooseVolumes } from '../packages/host/src/sandbox/choose-volumes.ts';
import { createDockerBackend } from '../packages/host/src/sandbox/docker-backend.ts';
import { benchEngine } from './bench-engine.ts';
import { type Bench, byTurns, figure, median, quantile, timed } from './measure.ts';

/**
 * From nothing to an agent that has answered `GET /status`, hardened and clamped, beside the least that a
 * container can do: `docker run --rm --network none IMAGE node -e 0`.
 */
export const benchStart: Bench = async ({ image, effort, progress }) => {
  const engine = await benchEngine();
  const directory = mkdtempSync(join(tmpdir(), 'openlegion-bench-'));
  const installation = `bench${randomBytes(3).toString('hex')}`;
  const backend = await createDockerBackend({
    engine,
    runtime: null,
    volumes: await chooseVolumes(engine, directory),
  });
  try {
    const ready = async (): Promise<number> => {
      const startedAt = performance.now();
      const sandbox = await backend.start(
        {
          installation,
          agent: 'bench',
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
      const tookMs = performance.now() - startedAt;
      pipe.close('measured');
      await sandbox.stop(0);
      return tookMs;
    };
    progress('starts, by turns with docker run');
    const { one, other } = await byTurns(Math.max(3, Math.round(8 * effort)), ready, () =>
      timed(() => dockerRun(image)),
    );
    const peer = { what: 'docker run node -e 0', value: median(other) };
    return [
      figure({
        bench: 'start',
        what: 'ready, hardened, clamped agent, median',
        unit: 'ms',
        value: median(one),
        peer,
        bound: { of: 'ratio', most: 1.25 },
      }),
      figure({
        bench: 'start',
        what: 'the slowest of them',
        unit: 'ms',
        value: quantile(one, 1),
        peer: { what: 'the slowest docker run', value: quantile(other, 1) },
        bound: null,
      }),
    ];
  } finally {
    await backend.removeLeftovers(installation);
    await backend.removeVolume(installation, 'bench');
    engine.close();
    rmSync(directory, { recursive: true, force: true });
  }
};

function dockerRun(image: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      'docker',
      ['run', '--rm', '--network', 'none', '--entrypoint', 'node', image, '-e', '0'],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`docker run ended with code ${code}`)),
    );
  });
}
