import { spawn } from 'node:child_process';
import { benchEngine } from './bench-engine.ts';
import { type Bench, byTurns, figure, median, quantile, timed } from './measure.ts';
import { createAgentStarter } from './start-agent.ts';

/**
 * From nothing to an agent that has answered `GET /status`, hardened and clamped, beside the least that a
 * container can do: `docker run --rm --network none IMAGE node -e 0`.
 */
export const benchStart: Bench = async ({ image, effort, progress }) => {
  const engine = await benchEngine();
  try {
    await using starter = await createAgentStarter(engine, image);
    const ready = async (): Promise<number> => {
      const startedAt = performance.now();
      const { sandbox, pipe } = await starter.start();
      const tookMs = performance.now() - startedAt;
      pipe.close('measured');
      await sandbox.stop(0);
      return tookMs;
    };
    progress('starts, by turns with docker run');
    const bare = () => timed(() => dockerRun(image));
    const { one, other } = await byTurns(Math.max(3, Math.round(8 * effort)), ready, bare);
    return [
      figure({
        bench: 'start',
        what: 'ready, hardened, clamped agent, median',
        unit: 'ms',
        value: median(one),
        peer: { what: 'docker run node -e 0', value: median(other) },
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
    engine.close();
  }
};

function dockerRun(image: string): Promise<void> {
  // Of the image's variables, these two make Node do at its start what the agent's start does without.
  const bare = ['-e', 'NODE_USE_ENV_PROXY=', '-e', 'NODE_EXTRA_CA_CERTS='];
  const entry = [...bare, '--entrypoint', 'node', image, '-e', '0'];
  return new Promise((resolve, reject) => {
    const child = spawn('docker', ['run', '--rm', '--network', 'none', ...entry], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`docker run ended with code ${code}`)),
    );
  });
}
