import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuditLog } from '../packages/host/src/audit/audit-log.ts';
import { createSystemClock } from '../packages/host/src/clock.ts';
import { createEventLog } from '../packages/host/src/delivery/event-log.ts';
import { createLanes } from '../packages/host/src/lanes/lanes.ts';
import { openDatabase } from '../packages/host/src/store/database.ts';
import { MESH_MIGRATIONS } from '../packages/host/src/store/mesh-schema.ts';
import { type Bench, figure, median } from './measure.ts';
import { type Commit, recorded, replay } from './replay-commits.ts';

const AGENTS = 20;
const AT_ONCE = 40;
const TEXT = 'Please score the prospect in the attached row. '.repeat(6);

/**
 * Messages accepted, delivered to an agent that answers at once, and settled, beside `node:sqlite` making the same
 * writes in the same commits. Both wait for the disk at each commit.
 */
export const benchLanes: Bench = async ({ effort, progress }) => {
  const directory = mkdtempSync(join(tmpdir(), 'openlegion-bench-'));
  const messages = Math.round(2000 * effort);
  const rates = { lanes: [] as number[], raw: [] as number[] };
  let commits = 0;
  try {
    progress(`${messages} messages over ${AGENTS} agents, by turns with node:sqlite`);
    for (let round = 0; round < 3; round += 1) {
      const lanes = await throughLanes(join(directory, `lanes${round}.db`), messages);
      rates.lanes.push(messages / lanes.seconds);
      rates.raw.push(messages / replay(join(directory, `raw${round}.db`), lanes.commits));
      commits = lanes.commits.length;
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return [
    figure({
      bench: 'lanes',
      what: `messages through lanes (${(messages / commits).toFixed(1)} a commit)`,
      unit: '/s',
      value: median(rates.lanes),
      peer: { what: 'node:sqlite, same writes', value: median(rates.raw) },
      bound: null,
    }),
  ];
};

async function throughLanes(path: string, messages: number): Promise<{ seconds: number; commits: Commit[] }> {
  const { database, commits } = recorded(openDatabase({ path, migrations: MESH_MIGRATIONS }));
  const clock = createSystemClock();
  const warn = (message: string): void => {
    throw new Error(message);
  };
  const audit = createAuditLog({ database, clock });
  const events = createEventLog({ database, clock, warn });
  let settled = 0;
  const done = Promise.withResolvers<void>();
  events.onEvent(({ event }) => {
    if (event.type === 'message_settled' && ++settled === messages) done.resolve();
  });
  const lanes = createLanes({
    turns: { begun() {}, ended() {}, isOpen: () => false },
    database,
    audit,
    events,
    clock,
    warn,
    deliver: async () => ({ kind: 'ended', status: 'done', text: 'It scores 7 of 10.', refusal: null }),
  });
  const startedAt = performance.now();
  let sent = 0;
  const sender = async (): Promise<void> => {
    while (sent < messages) {
      const index = sent++;
      const acceptance = await lanes.accept({
        id: randomUUID(),
        traceId: randomUUID(),
        parentId: null,
        hops: 0,
        agent: `agent-${index % AGENTS}`,
        sender: 'operator',
        mode: 'followup',
        text: TEXT,
        idempotencyKey: null,
        rule: 'operator',
      });
      if (!acceptance.accepted) throw new Error(acceptance.refusal.message);
    }
  };
  await Promise.all([...Array.from({ length: AT_ONCE }, sender), done.promise]);
  const seconds = (performance.now() - startedAt) / 1000;
  await lanes.stop();
  await events.flush();
  database.close();
  return { seconds, commits };
}
