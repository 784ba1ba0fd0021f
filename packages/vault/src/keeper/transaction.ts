import type { DatabaseSync } from 'node:sqlite';

/** Runs `work` in one IMMEDIATE transaction: all of it is on disk when this returns, or none of it and it throws. */
export type Transaction = <T>(work: () => T) => T;

/** `work` is synchronous, so nothing of another connection's can come between its reads and its writes. */
export function createTransaction(database: DatabaseSync): Transaction {
  return (work) => {
    database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  };
}
