import { chmodSync, chownSync, lchownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { VaultError } from '../process/vault-error.ts';

export interface DatabaseOptions {
  directory: string;
  /** Who owns the directory in the end; null: whoever runs this. */
  uid: number | null;
  migrations: readonly string[];
  now: () => number;
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
export function openDatabase({ directory, uid, migrations, now }: DatabaseOptions): DatabaseSync {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (!lstatSync(directory).isDirectory()) throw refuse(`${directory} is not a directory`);
  if (uid !== null) chownSync(directory, 0, 0);
  chmodSync(directory, 0o700);
  for (const entry of readdirSync(directory)) {
    const stat = lstatSync(join(directory, entry));
    if (!stat.isFile() || stat.nlink !== 1)
      throw refuse(`${entry} in the vault's directory is not a plain file`);
  }
  const database = openExclusively(join(directory, 'vault.db'));
  try {
    migrate(database, directory, migrations, now);
    if (uid !== null) {
      // lchown takes a path but opens nothing: closing any descriptor of these files would drop SQLite's locks.
      for (const entry of readdirSync(directory)) lchownSync(join(directory, entry), uid, uid);
      chownSync(directory, uid, uid);
    }
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
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
    const busy = error instanceof Error && 'errcode' in error && error.errcode === 5;
    throw busy
      ? new VaultError(
          {
            code: 'conflict',
            rule: 'vault.lock',
            message: 'Another keeper has this vault open.',
            remedy: 'Stop the OpenLegion that runs in this home (`./openlegion stop`), then start again.',
          },
          { cause: error },
        )
      : refuse('vault.db cannot be opened or is not a database', error);
  }
}

function migrate(
  database: DatabaseSync,
  directory: string,
  migrations: readonly string[],
  now: () => number,
): void {
  const from = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (from > migrations.length) throw refuse('vault.db was written by a newer version of OpenLegion');
  for (let version = from; version < migrations.length; version += 1) {
    if (from > 0) {
      database.prepare('VACUUM INTO ?').run(join(directory, `vault.db.before-${version + 1}-${now()}`));
    }
    database.exec('BEGIN IMMEDIATE');
    database.exec(migrations[version] ?? '');
    database.exec(`PRAGMA user_version = ${version + 1}`);
    database.exec('COMMIT');
  }
}

/** SQLITE_FULL: nothing of the transaction was kept. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 13;
}

function refuse(what: string, cause?: unknown): VaultError {
  return new VaultError(
    {
      code: 'internal',
      rule: 'vault.database',
      message: `The vault cannot be opened: ${what}.`,
      remedy:
        'Put back the newest copy of data/keeper, or move that directory away and add the credentials again.',
    },
    { cause },
  );
}
