import { DatabaseSync } from 'node:sqlite';

/** Held for as long as the object is not disposed and the process lives. */
export interface HeldLock {
  [Symbol.dispose](): void;
}

/**
 * Takes an exclusive lock on `path`, or returns null when another process holds it. It is SQLite's file lock, which
 * the kernel frees with its process whatever the death: a stale lock cannot exist, and taking it is atomic.
 */
export function holdLock(path: string): HeldLock | null {
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA busy_timeout=0; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Error && /locked/.test(error.message)) return null;
    throw error;
  }
  return { [Symbol.dispose]: () => database.close() };
}
