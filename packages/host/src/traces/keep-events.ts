import type { MeshConfig } from '@openlegion/contract/mesh-config';
import type { Clock } from '../clock.ts';
import type { Database } from '../store/database.ts';
import { integerOf, textOf } from '../store/row.ts';

const DAY_MS = 86_400_000;
const EVERY_MS = 3_600_000;
const FIRST_MS = 60_000;
/** Rows in one transaction: what one of them may hold others up by. */
const SLICE = 1000;

export interface EventRetention {
  /** Deletes what is beyond the bounds, now. Resolves with how many events that were. */
  run(): Promise<number>;
  stop(): void;
}

/**
 * Keeps the event log within `telemetry.keep_days` and `keep_events`: a minute after the start and every hour, the
 * oldest go, a thousand in a transaction. Messages, and what they cost, stay.
 */
export function createEventRetention(parts: {
  database: Database;
  telemetry: () => MeshConfig['telemetry'];
  clock: Clock;
  warn: (message: string) => void;
}): EventRetention {
  const { database, telemetry, clock, warn } = parts;
  let stopped = false;
  let cancel = clock.after(FIRST_MS, tick);

  function tick(): void {
    run()
      .catch((error) =>
        warn(`old events were not deleted: ${error instanceof Error ? error.message : 'unknown'}`),
      )
      .finally(() => {
        if (!stopped) cancel = clock.after(EVERY_MS, tick);
      });
  }

  async function run(): Promise<number> {
    const { keep_days: days, keep_events: most } = telemetry();
    const oldest = new Date(clock.now() - days * DAY_MS).toISOString();
    let over = integerOf(database.get('SELECT COUNT(*) AS n FROM event') ?? {}, 'n') - most;
    let deleted = 0;
    while (!stopped) {
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
      stopped = true;
      cancel();
    },
  };
}
