import { DatabaseSync } from 'node:sqlite';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { storeError } from './store-error.ts';

/**
 * Holds `{databasePath}.lock` until disposed: one host per home. The lock is the kernel's on a file of its own, so
 * it ends with the process however that ends, and other programs can still read the database.
 * Throws `conflict` when another process holds it.
 */
export function takeWriterLock(databasePath: string): Disposable {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(`${databasePath}.lock`, { timeout: 0 });
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    if (lock?.isOpen) lock.close();
    const known = storeError(error);
    if (!(known instanceof OpenLegionError) || known.rule !== 'store.locked') throw known;
    throw new OpenLegionError(
      {
        code: 'conflict',
        rule: 'store.single_writer',
        message: 'Another OpenLegion host is running on this home.',
        remedy: 'Use it, or stop it first with: ./openlegion stop',
      },
      { cause: error },
    );
  }
  const held = lock;
  return { [Symbol.dispose]: () => held.isOpen && held.close() };
}
