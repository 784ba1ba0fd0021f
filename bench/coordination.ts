import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuditLog } from '../packages/host/src/audit/audit-log.ts';
import { createBlackboard } from '../packages/host/src/blackboard/blackboard.ts';
import { createSystemClock } from '../packages/host/src/clock.ts';
import { createPubsub } from '../packages/host/src/pubsub/pubsub.ts';
import { openDatabase } from '../packages/host/src/store/database.ts';
import { MESH_MIGRATIONS } from '../packages/host/src/store/mesh-schema.ts';
import type { FleetCost } from './coordination-fleet.ts';
import { type Bench, figure, median } from './measure.ts';
import { type Commit, recorded, replay } from './replay-commits.ts';

const KEYS = 200;
const AT_ONCE = 256;
const SUBSCRIBERS = 100;
const MEGABYTE = 1_000_000;
const warn = (message: string): void => {
  throw new Error(message);
};

/**
 * Writes to the blackboard, and events to a hundred subscribers, beside `node:sqlite` making the same writes in the
 * same commits; both wait for the disk at each. And what a thousand registered agents cost a host of which twenty are
 * awake, beside one that has these twenty alone.
 */
export const benchCoordination: Bench = async ({ effort, progress }) => {
  const directory = mkdtempSync(join(tmpdir(), 'openlegion-bench-'));
  const writes = Math.round(20_000 * effort);
  const events = Math.round(100 * effort);
  const board = { ours: [] as number[], raw: [] as number[] };
  const fan = { ours: [] as number[], raw: [] as number[] };
  try {
    for (let round = 0; round < 3; round += 1) {
      progress(`${writes} blackboard writes, by turns with node:sqlite`);
      const wrote = await writeEntries(join(directory, `board${round}.db`), writes);
      board.ours.push(writes / wrote.seconds);
      board.raw.push(writes / replay(join(directory, `raw-board${round}.db`), wrote.commits));
      progress(`${events} events to ${SUBSCRIBERS} subscribers each, by turns with node:sqlite`);
      const told = await fanOut(join(directory, `fan${round}.db`), events);
      fan.ours.push((1000 * told.seconds) / events);
      fan.raw.push((1000 * replay(join(directory, `raw-fan${round}.db`), told.commits)) / events);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  progress('a host with 20 agents, then one with 1,000, of which 20 are awake');
  const [few, many] = [fleet(20), fleet(1000)];
  return [
    figure({
      bench: 'coordination',
      what: `blackboard writes (${AT_ONCE} at once)`,
      unit: '/s',
      value: median(board.ours),
      peer: { what: 'node:sqlite, same writes', value: median(board.raw) },
      bound: { of: 'value', least: 10_000 },
    }),
    figure({
      bench: 'coordination',
      what: `one event to ${SUBSCRIBERS} subscribers, until all have acknowledged`,
      unit: 'ms',
      value: median(fan.ours),
      peer: { what: 'node:sqlite, same writes', value: median(fan.raw) },
      bound: null,
    }),
    figure({
      bench: 'coordination',
      what: 'host memory with 1,000 agents, 20 awake',
      unit: 'MB',
      value: many.bytes / MEGABYTE,
      peer: { what: 'with these 20 alone', value: few.bytes / MEGABYTE },
      bound: null,
    }),
    figure({
      bench: 'coordination',
      what: 'processor time of that host at rest, per second',
      unit: 'ms',
      value: many.restMsPerSecond,
      peer: { what: 'with these 20 alone', value: few.restMsPerSecond },
      bound: null,
    }),
    figure({
      bench: 'coordination',
      what: 'a message answered on that host',
      unit: 'ms',
      value: many.messageMs,
      peer: { what: 'with these 20 alone', value: few.messageMs },
      bound: null,
    }),
  ];
};

function open(path: string) {
  const clock = createSystemClock();
  const { database, commits } = recorded(openDatabase({ path, migrations: MESH_MIGRATIONS }));
  return { database, commits, clock, audit: createAuditLog({ database, clock }) };
}

async function writeEntries(path: string, writes: number): Promise<{ seconds: number; commits: Commit[] }> {
  const parts = open(path);
  const blackboard = createBlackboard(parts);
  const by = { namespace: 'fleet', writer: 'alice', traceId: 'trc', limited: true };
  let sent = 0;
  const writer = async (): Promise<void> => {
    while (sent < writes) {
      const n = sent++;
      const written = await blackboard.set({
        ...by,
        key: `context/key-${n % KEYS}`,
        value: { n, note: 'scored' },
      });
      if (!written.ok) throw new Error(written.refusal.message);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, writer));
  const seconds = (performance.now() - startedAt) / 1000;
  parts.database.close();
  return { seconds, commits: parts.commits };
}

async function fanOut(path: string, events: number): Promise<{ seconds: number; commits: Commit[] }> {
  const parts = open(path);
  let delivered = 0;
  const all = Promise.withResolvers<void>();
  const deliver = async () => {
    delivered += 1;
    if (delivered === events * SUBSCRIBERS) all.resolve();
    return { ok: true, value: null } as const;
  };
  const hooks = { wake: deliver, workflow: deliver };
  const pubsub = createPubsub({ ...parts, warn, hooks, mayReceive: () => null });
  for (let n = 0; n < SUBSCRIBERS; n += 1)
    await pubsub.subscribe({ namespace: 'fleet', topic: 'news', subscriber: `agent-${n}`, mode: 'wake' });
  parts.commits.length = 0;
  const startedAt = performance.now();
  for (let n = 0; n < events; n += 1) {
    const event = { namespace: 'fleet', topic: 'news', payload: { n }, publisher: 'alice', traceId: 'trc' };
    const published = await pubsub.publish({ ...event, id: `evt_${n}`, hops: 1 });
    if (!published.ok) throw new Error(published.refusal.message);
  }
  await all.promise;
  await pubsub.stop();
  const seconds = (performance.now() - startedAt) / 1000;
  parts.database.close();
  return { seconds, commits: parts.commits };
}

/** In a process of its own, so that neither is measured with what the other left. */
function fleet(agents: number): FleetCost {
  const program = new URL('./coordination-fleet.ts', import.meta.url).pathname;
  const child = spawnSync(process.execPath, [program, String(agents)], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout);
}
