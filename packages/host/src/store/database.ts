import { chmodSync, statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { type Migrations, migrate } from './migrate.ts';
import type { Row } from './row.ts';
import { storeError } from './store-error.ts';
import { takeWriterLock } from './writer-lock.ts';

/** Works per transaction: bounds how long the event loop is held by one. */
const BATCH = 256;
/** Beyond this a full check at start would cost more than the second that a start may take. */
const QUICK_CHECK_BYTES = 32 * 1024 * 1024;

export interface Reader {
  get(sql: string, ...parameters: SQLInputValue[]): Row | undefined;
  all(sql: string, ...parameters: SQLInputValue[]): Row[];
}

export interface Transaction extends Reader {
  /** The number of rows changed. */
  run(sql: string, ...parameters: SQLInputValue[]): number;
}

/**
 * The host's one connection to `mesh.db`. Reads see what is committed. All writes of one turn of the event loop
 * share a transaction and thus one flush of the disk; each is a savepoint, so that one that throws undoes only
 * itself.
 */
export interface Database extends Reader {
  /**
   * Resolves with what `work` returned, once that is on disk. Rejects with what it threw, or with an
   * OpenLegionError (`disk_full`, `unavailable`, `internal`) when the disk did not take it; then nothing of it is
   * stored.
   */
  write<T>(work: (transaction: Transaction) => T): Promise<T>;
  /** Writes what is waiting, then closes and releases the lock. */
  close(): void;
}

interface Pending {
  work: (transaction: Transaction) => unknown;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

/** Opens, locks, checks and migrates. Throws OpenLegionError with a remedy when one of these cannot be done. */
export function openDatabase(options: {
  path: string;
  migrations: Migrations;
  busyTimeoutMs?: number;
}): Database {
  const lock = takeWriterLock(options.path);
  try {
    return wrap(open(options), lock);
  } catch (error) {
    lock[Symbol.dispose]();
    throw storeError(error);
  }
}

function open(options: { path: string; migrations: Migrations; busyTimeoutMs?: number }): DatabaseSync {
  const connection = new DatabaseSync(options.path, { timeout: options.busyTimeoutMs ?? 5000 });
  try {
    chmodSync(options.path, 0o600);
    connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;');
    if (statSync(options.path).size <= QUICK_CHECK_BYTES) quickCheck(connection);
    migrate(connection, options.path, options.migrations);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function quickCheck(connection: DatabaseSync): void {
  const answer = connection.prepare('PRAGMA quick_check(1)').get();
  if (answer?.quick_check === 'ok') return;
  throw Object.assign(new Error(String(answer?.quick_check)), { errcode: 11 });
}

function wrap(connection: DatabaseSync, lock: Disposable): Database {
  const statements = new Map<string, StatementSync>();
  const pending: Pending[] = [];
  let scheduled: NodeJS.Immediate | undefined;

  const prepared = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known) return known;
    const statement = connection.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  const transaction: Transaction = {
    get: (sql, ...parameters) => prepared(sql).get(...parameters),
    all: (sql, ...parameters) => prepared(sql).all(...parameters),
    run: (sql, ...parameters) => Number(prepared(sql).run(...parameters).changes),
  };

  function flush(): void {
    scheduled = undefined;
    while (pending.length > 0) commitBatch(pending.splice(0, BATCH));
  }

  function commitBatch(batch: Pending[]): void {
    const answers: (() => void)[] = [];
    try {
      prepared('BEGIN IMMEDIATE').run();
      for (const entry of batch) answers.push(attempt(entry));
      prepared('COMMIT').run();
    } catch (error) {
      if (connection.isOpen && connection.isTransaction) connection.exec('ROLLBACK');
      for (const entry of batch) entry.reject(storeError(error));
      return;
    }
    for (const answer of answers) answer();
  }

  /** Runs one work in its savepoint. Throws only when the whole transaction is gone. */
  function attempt({ work, resolve, reject }: Pending): () => void {
    prepared('SAVEPOINT work').run();
    try {
      const value = work(transaction);
      prepared('RELEASE work').run();
      return () => resolve(value);
    } catch (error) {
      // A full disk can make SQLite undo everything at once: then no other work of the batch is stored either.
      if (!connection.isTransaction) throw error;
      prepared('ROLLBACK TO work').run();
      prepared('RELEASE work').run();
      return () => reject(storeError(error));
    }
  }

  function reading<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw storeError(error);
    }
  }

  return {
    get: (sql, ...parameters) => reading(() => transaction.get(sql, ...parameters)),
    all: (sql, ...parameters) => reading(() => transaction.all(sql, ...parameters)),
    write<T>(work: (transaction: Transaction) => T): Promise<T> {
      if (!connection.isOpen) return Promise.reject(closed());
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      // `resolve` is called with what this very `work` returned.
      pending.push({ work, resolve: (value) => resolve(value as T), reject });
      scheduled ??= setImmediate(flush);
      return promise;
    },
    close() {
      if (!connection.isOpen) return;
      if (scheduled) clearImmediate(scheduled);
      flush();
      connection.close();
      lock[Symbol.dispose]();
    },
  };
}

function closed(): OpenLegionError {
  return new OpenLegionError({
    code: 'unavailable',
    rule: 'store.closed',
    message: 'The host is stopping and accepts nothing more.',
    remedy: 'Start OpenLegion again with: ./openlegion start',
  });
}
