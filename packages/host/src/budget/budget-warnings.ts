import { type Clock, isoTime } from '../clock.ts';
import type { EventLog, NewEvent } from '../delivery/event-log.ts';
import type { Database } from '../store/database.ts';
import type { KeeperClient } from '../vault/keeper-client.ts';

/** The keeper is asked at once after a call, and for calls that follow closely once more, this much later. */
const BETWEEN_MS = 250;
/** Longer than the longest period. */
const FORGET_AFTER_MS = 70 * 24 * 3600_000;

type Cause = Omit<NewEvent, 'event'>;

/** Tells of every limit of which 80 % are spent: once, on the trace of the call that brought it there. */
export interface BudgetWarnings {
  /** After a call that was charged. */
  afterCall(cause: Cause): void;
  stop(): void;
}

export function createBudgetWarnings(parts: {
  database: Database;
  events: EventLog;
  keeper: Pick<KeeperClient, 'warnings'>;
  clock: Clock;
  warn: (message: string) => void;
}): BudgetWarnings {
  const { database, events, keeper, clock, warn } = parts;
  let waiting: Cause | null = null;
  let resting = false;
  let cancel: (() => void) | undefined;

  async function look(cause: Cause): Promise<void> {
    const { warnings } = await keeper.warnings();
    const told = new Set(
      database
        .all('SELECT scope, period FROM budget_warned')
        .map(({ scope, period }) => `${scope} ${period}`),
    );
    const fresh = warnings.filter(({ scope, period }) => !told.has(`${scope} ${period}`));
    if (fresh.length === 0) return;
    const stored = await database.write((transaction) => {
      transaction.run(
        'DELETE FROM budget_warned WHERE at < ?',
        new Date(clock.now() - FORGET_AFTER_MS).toISOString(),
      );
      return fresh.flatMap(({ scope, period, spentMicroUsd, limitMicroUsd }) => {
        const rows = transaction.run(
          'INSERT OR IGNORE INTO budget_warned VALUES (?, ?, ?)',
          scope,
          period,
          isoTime(clock),
        );
        const event = { type: 'budget_warning', scope, period, spentMicroUsd, limitMicroUsd } as const;
        return rows === 0 ? [] : [events.store(transaction, { ...cause, event })];
      });
    });
    for (const event of stored) events.announce(event);
  }

  function lookNow(cause: Cause): void {
    waiting = null;
    resting = true;
    look(cause).catch((error) => warn(`budget warnings were not looked at: ${String(error)}`));
    cancel = clock.after(BETWEEN_MS, () => {
      resting = false;
      if (waiting) lookNow(waiting);
    });
  }

  return {
    afterCall(cause) {
      if (resting) waiting ??= cause;
      else lookNow(cause);
    },
    stop: () => cancel?.(),
  };
}
