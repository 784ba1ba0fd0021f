import { DatabaseSync } from 'node:sqlite';
import { dataPaths } from '@openlegion/contract/installation';
import type { TestInstallation } from './installation.ts';

/** Rows of the host's database, read beside the running host. */
export function readStore({ home }: TestInstallation, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(dataPaths(home).meshDatabase, { readOnly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}
