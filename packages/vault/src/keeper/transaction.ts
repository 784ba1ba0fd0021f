import type { DatabaseSync } from 'node:sqlite';

/** Runs `work` in one IMMEDIATE transaction: when this returns all of it is kept, or none of it and it throws. */
export type Transaction = <T>(work: () => T) => T;

export interface Transactions {
  /** On disk when it returns. */
  durable: Transaction;
  /**
   * Kept over any end of this process, but not over a power failure before the next durable one: for what may then be
   * found undone. SQLite writes both in one order, so no later one is kept without it.
   */
  relaxed: Transaction;
}

/** `work` is synchronous, so nothing of another connection's can come between its reads and its writes. */
export function createTransactions(database: DatabaseSync): Transactions {
  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');

  function run<T>(work: () => T): T {
    begin.run();
    try {
      const result = work();
      commit.run();
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }
  return {
    durable: run,
    relaxed(work) {
      database.exec('PRAGMA synchronous = NORMAL');
      try {
        return run(work);
      } finally {
        database.exec('PRAGMA synchronous = FULL');
      }
    },
  };
}
