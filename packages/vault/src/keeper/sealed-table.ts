import type { DatabaseSync } from 'node:sqlite';

/** Single sealed values of the keeper's own (data key, signing key, manifest, policy), by name. */
export interface SealedTable {
  get(name: string): Uint8Array | null;
  put(name: string, box: Uint8Array): void;
}

export function createSealedTable(database: DatabaseSync): SealedTable {
  const select = database.prepare('SELECT box FROM sealed WHERE name = ?');
  const upsert = database.prepare('INSERT OR REPLACE INTO sealed (name, box) VALUES (?, ?)');
  return {
    get(name) {
      const box = select.get(name)?.box;
      return box instanceof Uint8Array ? box : null;
    },
    put(name, box) {
      upsert.run(name, box);
    },
  };
}
