import { chmodSync, chownSync, lchownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { refuse, type VaultError } from './vault-error.ts';

export type Row = Record<string, SQLOutputValue>;

/**
 * Runs `work` in one IMMEDIATE transaction: when this returns all of it is kept, or none of it and it throws. `work`
 * is synchronous, so nothing of another connection's can come between its reads and its writes. Inside another
 * transaction it is a part of that one: undone alone when it throws, kept when, and as durably as, the whole is.
 */
export type Transaction = <T>(work: () => T) => T;

/** SQLite behind statements that are prepared once each; `sql` is always a constant of ours. */
export interface Database {
  get(sql: string, ...values: SQLInputValue[]): Row | undefined;
  all(sql: string, ...values: SQLInputValue[]): Row[];
  each(sql: string, ...values: SQLInputValue[]): Iterable<Row>;
  /** How many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number;
  /** On disk when it returns, with everything committed before it. */
  durable: Transaction;
  /**
   * Kept over any end of this process, and over a power failure from when it was brought to disk, which is soon: for
   * what may be found undone. SQLite keeps commits in their order, so no later one is kept without it.
   */
  relaxed: Transaction;
  /** Many of both as one, which is as durable as the most durable of them. It writes nothing outside of them. */
  together: Transaction;
  /** How often anything was undone: what is remembered of the tables holds only while this stays as it was. */
  undone(): number;
  /** Writes everything from the log into the file, so that no page of before is left in either. */
  compact(): void;
  close(): void;
}

export interface DatabaseOptions {
  directory: string;
  /** Who owns the directory in the end; null: whoever runs this. */
  uid: number | null;
  migrations: readonly string[];
  now: () => number;
  /** A statement that changes a page, whatever there is: SQLite forces nothing to disk for a commit without one. */
  touch: string;
  /** Calls once, `FLUSH_AFTER_MS` later: then what is only in the kernel's memory goes to disk. */
  later: (run: () => void) => void;
  /** Told after each time that everything was forced to disk. */
  forced?: (() => void) | undefined;
}

/**
 * Opens `vault.db` in its directory (0700), alone: a second keeper on it is refused with `conflict`. Runs the
 * migrations that are missing, each in its transaction, after a copy `vault.db.before-N`.
 *
 * After this nothing is opened by path again: in exclusive WAL mode SQLite keeps both files open and makes no
 * shared-memory file, so the keeper may then become a user who cannot even enter the home above. (`-wal` is then
 * not deleted at close; the next start reads it.)
 *
 * With a uid, root opens files in a directory of a less trusted user. So the directory becomes root's first, and a
 * link in it is refused: otherwise that user could make root open, or give it, any file of the system.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const { directory, uid } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (!lstatSync(directory).isDirectory()) throw unusable(`${directory} is not a directory`);
  if (uid !== null) chownSync(directory, 0, 0);
  chmodSync(directory, 0o700);
  for (const entry of readdirSync(directory)) {
    const stat = lstatSync(join(directory, entry));
    if (!stat.isFile() || stat.nlink !== 1)
      throw unusable(`${entry} in the vault's directory is not a plain file`);
  }
  const database = openExclusively(join(directory, 'vault.db'));
  try {
    migrate(database, options);
    if (uid !== null) {
      // lchown takes a path but opens nothing: closing any descriptor of these files would drop SQLite's locks.
      for (const entry of readdirSync(directory)) lchownSync(join(directory, entry), uid, uid);
      chownSync(directory, uid, uid);
    }
  } catch (error) {
    database.close();
    throw error;
  }
  return { ...statementsOf(database), ...transactionsOf(database, options) };
}

function openExclusively(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0, allowExtension: false });
    database.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON;
      PRAGMA temp_store = MEMORY;
      PRAGMA secure_delete = ON;
      PRAGMA trusted_schema = OFF;
      BEGIN IMMEDIATE;
      COMMIT;
    `);
    return database;
  } catch (error) {
    database?.close();
    if (!(error instanceof Error && 'errcode' in error && error.errcode === 5))
      throw unusable('vault.db cannot be opened or is not a database', error);
    throw refuse(
      'conflict',
      'vault.lock',
      'Another keeper has this vault open.',
      'Stop the OpenLegion that runs in this home (`./openlegion stop`), then start again.',
      error,
    );
  }
}

function migrate(database: DatabaseSync, { directory, migrations, now }: DatabaseOptions): void {
  const from = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (from > migrations.length) throw unusable('vault.db was written by a newer version of OpenLegion');
  for (let version = from; version < migrations.length; version += 1) {
    if (from > 0)
      database.prepare('VACUUM INTO ?').run(join(directory, `vault.db.before-${version + 1}-${now()}`));
    database.exec('BEGIN IMMEDIATE');
    database.exec(migrations[version] ?? '');
    database.exec(`PRAGMA user_version = ${version + 1}`);
    database.exec('COMMIT');
  }
}

function statementsOf(database: DatabaseSync): Pick<Database, 'get' | 'all' | 'each' | 'run'> {
  const statements = new Map<string, StatementSync>();
  const statement = (sql: string): StatementSync => {
    const prepared = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, prepared);
    return prepared;
  };
  return {
    get: (sql, ...values) => statement(sql).get(...values),
    all: (sql, ...values) => statement(sql).all(...values),
    each: (sql, ...values) => statement(sql).iterate(...values),
    run: (sql, ...values) => Number(statement(sql).run(...values).changes),
  };
}

function transactionsOf(
  database: DatabaseSync,
  { touch, later, forced }: DatabaseOptions,
): Pick<Database, 'durable' | 'relaxed' | 'together' | 'undone' | 'compact' | 'close'> {
  // Commits do not wait for the disk of themselves; the durable ones are followed by one that does, for all of them.
  database.exec('PRAGMA synchronous = NORMAL');
  let isOpen = false;
  let mustForce = false;
  let lost: { error: unknown } | null = null;
  let undone = 0;

  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  const enter = database.prepare('SAVEPOINT part');
  const leave = database.prepare('RELEASE part');

  function force(): void {
    database.exec('PRAGMA synchronous = FULL');
    try {
      database.exec(touch);
    } finally {
      database.exec('PRAGMA synchronous = NORMAL');
    }
    forced?.();
  }

  /** The first part opens the transaction, and is all there is to undo in it; later ones are savepoints. */
  function part<T>(work: () => T): T {
    if (lost) throw lost.error;
    const isFirst = !database.isTransaction;
    if (isFirst) begin.run();
    else enter.run();
    try {
      const result = work();
      if (!isFirst) leave.run();
      return result;
    } catch (error) {
      undone += 1;
      // A full disk makes SQLite undo the whole transaction: then none of its parts may go on, or be answered.
      if (!database.isTransaction) lost = { error };
      else database.exec(isFirst ? 'ROLLBACK' : 'ROLLBACK TO part; RELEASE part');
      throw error;
    }
  }

  function whole<T>(work: () => T): T {
    mustForce = false;
    lost = null;
    const result = work();
    if (lost) throw (lost as { error: unknown }).error;
    if (database.isTransaction) commit.run();
    if (mustForce) force();
    return result;
  }

  function together<T>(work: () => T): T {
    if (isOpen) return work();
    isOpen = true;
    try {
      return whole(work);
    } catch (error) {
      undone += 1;
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    } finally {
      isOpen = false;
    }
  }

  const durable = <T>(work: () => T): T =>
    together(() => {
      const result = part(work);
      mustForce = true;
      return result;
    });
  const flush = createFlush(() => durable(() => {}), later);
  return {
    ...{ durable, together },
    relaxed(work) {
      const result = together(() => part(work));
      flush.soon();
      return result;
    },
    undone: () => undone,
    compact: () => database.exec('PRAGMA wal_checkpoint(TRUNCATE)'),
    close() {
      flush.stop();
      database.close();
    },
  };
}

/** How long a committed record may be in the kernel's memory alone. */
export const FLUSH_AFTER_MS = 50;

/** `flush` is one durable transaction. A disk that fails ends the process; one that is full does not. */
export function createFlush(flush: () => void, later: (run: () => void) => void) {
  let waiting = false;
  let stopped = false;
  function run(): void {
    waiting = false;
    try {
      if (!stopped) flush();
    } catch (error) {
      // Calls are refused for a full disk by their own commits; the next that is not brings this along.
      if (!isDiskFull(error)) throw error;
    }
  }
  return {
    /** To be called after each relaxed transaction. */
    soon(): void {
      if (!waiting) later(run);
      waiting = true;
    },
    stop(): void {
      stopped = true;
    },
  };
}

/** SQLITE_FULL: nothing of the transaction was kept. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 13;
}

function unusable(what: string, cause?: unknown): VaultError {
  return refuse(
    'internal',
    'vault.database',
    `The vault cannot be opened: ${what}.`,
    'Put back the newest copy of data/keeper, or move that directory away and add the credentials again.',
    cause,
  );
}
