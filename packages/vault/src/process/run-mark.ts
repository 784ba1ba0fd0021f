import { readFileSync } from 'node:fs';
import type { Database } from './database.ts';

/** Changes a page, always: SQLite forces nothing to disk for a commit that changes none. */
export const TOUCH = 'UPDATE run SET forced = forced + 1';

/**
 * Belongs in the first durable transaction of a run. True when the last run did not end in order and the machine has
 * been started since: what that run had committed but not yet forced to disk may be missing. `bootId` null: all that
 * matters of this run will be durable.
 */
export function beginRun(database: Database, bootId: string | null): boolean {
  const last = database.get('SELECT boot_id, ended FROM run');
  database.run('INSERT OR REPLACE INTO run (id, boot_id, ended) VALUES (1, ?, 0)', bootId);
  return last !== undefined && last.ended === 0 && last.boot_id !== null && last.boot_id !== bootId;
}

/** Belongs in the last durable transaction. */
export function endRun(database: Database): void {
  database.run('UPDATE run SET ended = 1');
}

/** Another one after every start of the machine's kernel; null where the machine has none. */
export function readBootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}
