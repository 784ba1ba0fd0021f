import type { MeshConfig } from '@openlegion/contract/mesh-config';
import type { Clock } from '../clock.ts';
import type { Database } from '../store/database.ts';
import { integerOf, textOf } from '../store/row.ts';
import { forgetTraces } from './forget-traces.ts';

const DAY_MS = 86_400_000;
const EVERY_MS = 3_600_000;
const FIRST_MS = 60_000;
/** Events in one transaction: what one of them may hold others up by. */
const SLICE = 1000;

export interface Retention {
  /** Deletes what is beyond the bounds, now. Resolves with how many rows that were, their parts not counted. */
  run(): Promise<number>;
  stop(): void;
}

/**
 * Keeps what happened within `telemetry.keep_days` and `keep_events`: a minute after the start and every hour, the
 * oldest events go, and then messages, tasks, runs and answered questions that are as old, whose traces are over and
 * have no event left.
 */
export function createRetention(parts: {
  database: Database;
  telemetry: () => MeshConfig['telemetry'];
  clock: Clock;
  warn: (message: string) => void;
}): Retention {
  const { database, telemetry, clock, warn } = parts;
  const stopping = new AbortController();
  let cancel = clock.after(FIRST_MS, tick);

  function tick(): void {
    run()
      .catch((error) =>
        warn(`what is old was not deleted: ${error instanceof Error ? error.message : 'unknown'}`),
      )
      .finally(() => {
        if (!stopping.signal.aborted) cancel = clock.after(EVERY_MS, tick);
      });
  }

  async function run(): Promise<number> {
    const before = clock.now() - telemetry().keep_days * DAY_MS;
    return (await deleteEvents(before)) + (await forgetTraces(database, before, stopping.signal));
  }

  async function deleteEvents(before: number): Promise<number> {
    const oldest = new Date(before).toISOString();
    let over =
      integerOf(database.get('SELECT COUNT(*) AS n FROM event') ?? {}, 'n') - telemetry().keep_events;
    let deleted = 0;
    while (!stopping.signal.aborted) {
      const rows = database.all('SELECT seq, at FROM event ORDER BY seq LIMIT ?', SLICE);
      const last = rows.findLast((row, index) => index < over || textOf(row, 'at') < oldest);
      if (!last) break;
      const gone = await database.write((transaction) =>
        transaction.run('DELETE FROM event WHERE seq <= ?', integerOf(last, 'seq')),
      );
      deleted += gone;
      over -= gone;
      if (gone < SLICE) break;
    }
    return deleted;
  }

  return {
    run,
    stop() {
      stopping.abort();
      cancel();
    },
  };
}
