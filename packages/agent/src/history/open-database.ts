import { DatabaseSync } from 'node:sqlite';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Database } from './database.ts';
import { MIGRATIONS } from './migrations.ts';

const SQLITE_FULL = 13;
const SQLITE_IOERR = 10;
const SQLITE_BUSY = 5;

/**
 * Opens the agent's database, with every commit on disk before it returns (WAL, `synchronous=FULL`), and brings it
 * to the newest schema. A full disk throws `disk_full`, a locked database `unavailable`: the work is refused and
 * what was committed stays.
 */
export function openDatabase(path: string): Database {
  const database = translate(() => {
    const opened = new DatabaseSync(path, { timeout: 2000, enableForeignKeyConstraints: true });
    opened.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -512;');
    migrate(opened);
    return opened;
  });
  const statements = new Map<string, ReturnType<typeof database.prepare>>();
  const prepare = (sql: string) => {
    const known = statements.get(sql);
    if (known) return known;
    const prepared = database.prepare(sql);
    statements.set(sql, prepared);
    return prepared;
  };
  return {
    write: (sql, ...values) => {
      translate(() => prepare(sql).run(...values));
    },
    read: (sql, ...values) => translate(() => prepare(sql).all(...values)),
    transaction: (work) => {
      translate(() => database.exec('BEGIN IMMEDIATE'));
      try {
        const result = work();
        translate(() => database.exec('COMMIT'));
        return result;
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    },
    close: () => database.close(),
  };
}

function migrate(database: DatabaseSync): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0);
  for (const [index, migration] of MIGRATIONS.entries()) {
    if (index < version) continue;
    database.exec(`BEGIN IMMEDIATE; ${migration}; PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}

function translate<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
    if (code === SQLITE_FULL || code === SQLITE_IOERR) throw diskFull(error);
    if (code === SQLITE_BUSY) {
      throw new OpenLegionError(
        {
          code: 'unavailable',
          rule: 'agent.history.locked',
          message: 'Another program in the container holds the agent’s database locked.',
          remedy: 'Restart the agent.',
        },
        { cause: error },
      );
    }
    throw error;
  }
}

/** SQLite reports a write that the disk refused as either of two codes, depending on which of its files grew. */
function diskFull(cause: unknown): OpenLegionError {
  return new OpenLegionError(
    {
      code: 'disk_full',
      rule: 'agent.history',
      message: 'The agent’s disk is full or failing: it cannot record what it does, so it does nothing more.',
      remedy: 'Delete files in its workspace, raise resources.disk_limit, or free the disk of this machine.',
    },
    { cause },
  );
}
