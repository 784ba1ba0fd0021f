import type { DatabaseSync } from 'node:sqlite';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';

/** The text of each step, in order; step n brings the schema from version n to n + 1. Steps are never edited. */
export type Migrations = readonly string[];

/**
 * Brings the schema forward, never back, each step in one transaction and, where there is anything to lose, after
 * a copy to `{path}.before-{version}`. Throws `conflict` for a database of a newer OpenLegion.
 */
export function migrate(database: DatabaseSync, path: string, migrations: Migrations): void {
  let version = schemaVersion(database);
  if (version > migrations.length) {
    throw new OpenLegionError({
      code: 'conflict',
      rule: 'store.newer_schema',
      message: `data/mesh.db was written by a newer OpenLegion (schema ${version}, this one knows ${migrations.length}).`,
      remedy: 'Run the newer OpenLegion, or restore the backup it made before it changed the database.',
    });
  }
  const empty = version === 0;
  for (; version < migrations.length; version += 1) {
    if (!empty) backUp(database, `${path}.before-${version + 1}-${Date.now()}`);
    database.exec('BEGIN IMMEDIATE');
    try {
      database.exec(migrations[version] ?? '');
      database.exec(`PRAGMA user_version = ${version + 1}`);
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }
}

function backUp(database: DatabaseSync, target: string): void {
  database.prepare('VACUUM INTO ?').run(target);
}

function schemaVersion(database: DatabaseSync): number {
  const version = database.prepare('PRAGMA user_version').get()?.user_version;
  return typeof version === 'number' ? version : 0;
}
