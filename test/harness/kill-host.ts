import { setTimeout as delay } from 'node:timers/promises';
import type { TestInstallation } from './installation.ts';

/** How many kills a test makes: few in CI; `OPENLEGION_RUNS=200` for the whole proof. */
export function killCount(usual: number): number {
  const wanted = Number(process.env.OPENLEGION_RUNS ?? usual);
  return Number.isInteger(wanted) && wanted > 0 ? wanted : usual;
}

/**
 * Runs the host again and again and ends it with SIGKILL at a random moment of its life, up to `mostMs` after it was
 * ready. `meanwhile` gives it something to do in each life; what it awaits may break off with the host. The moments
 * follow from `seed`, so that a failure can be had again. The host runs when this resolves.
 */
export async function killHostAtRandom(options: {
  installation: TestInstallation;
  kills: number;
  seed: number;
  mostMs: number;
  meanwhile: (life: number) => Promise<unknown>;
}): Promise<void> {
  const { installation, kills, seed, mostMs, meanwhile } = options;
  const random = createRandom(seed);
  for (let life = 0; life < kills; life += 1) {
    const work = meanwhile(life).catch(() => {});
    await delay(random() * mostMs);
    await installation.kill('host');
    await work;
    await installation.start('host');
  }
}

/** Numbers from 0 to 1, the same for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}
