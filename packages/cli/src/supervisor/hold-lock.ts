import { DatabaseSync } from 'node:sqlite';

/**
 * Takes an exclusive lock on `path`, held until it is disposed of or the process ends; null when another process has
 * it. It is SQLite's file lock, which the kernel frees with its process whatever the death: a stale lock cannot exist, and taking it is atomic.
 */
export function holdLock(path: string): Disposable | null {
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
