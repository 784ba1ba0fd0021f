import { readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

/** How the last run of the keeper ended, as far as the file itself can tell. */
export interface RunMark {
  /**
   * Belongs in the first durable transaction of a run. True when the last run did not end in order and the machine
   * has been started since: what that run had committed but not yet forced to disk may be missing.
   */
  begin(): boolean;
  /** Writes a page that changes nothing, so that a durable transaction of it alone forces all before it to disk. */
  touch(): void;
  /** Belongs in the last durable transaction. */
  end(): void;
}

/** `bootId` null: everything of this run will be durable, so nothing of it can be missing later. */
export function createRunMark(database: DatabaseSync, bootId: string | null): RunMark {
  const select = database.prepare('SELECT boot_id, ended FROM run');
  const replace = database.prepare('INSERT OR REPLACE INTO run (id, boot_id, ended) VALUES (1, ?, 0)');
  const touch = database.prepare('UPDATE run SET ended = 0');
  const end = database.prepare('UPDATE run SET ended = 1');
  return {
    begin() {
      const last = select.get();
      replace.run(bootId);
      return last !== undefined && last.ended === 0 && last.boot_id !== null && last.boot_id !== bootId;
    },
    touch: () => void touch.run(),
    end: () => void end.run(),
  };
}

/** Another one after every start of the machine's kernel; null where the machine has none. */
export function readBootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}
