import { tierOf } from './credential-name.ts';
import type { Row } from './database.ts';
import { parseStoredPlaces } from './keeper-requests.ts';
import type { Seal } from './sealed-box.ts';

/** What lies beside a sealed value and is bound to it: as it lies there, so that what is bound is what is read. */
export interface Columns {
  name: string;
  version: number;
  /** The agent that made it; null for the operator's. */
  owner: string | null;
  /** JSON, as are the next two. */
  origins: string;
  bindings: string;
  environment: string;
}

export const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

export function columnsOf(row: Row): Columns & { box: Uint8Array } {
  return {
    name: String(row.name),
    version: Number(row.version),
    owner: textOf(row.owner),
    origins: String(row.origins),
    bindings: String(row.bindings),
    environment: String(row.environment),
    box: row.box instanceof Uint8Array ? row.box : Buffer.alloc(0),
  };
}

const contextOf = ({ name, version, owner, origins, bindings, environment }: Columns) =>
  ['credential-2', tierOf(name), name, version, owner, origins, bindings, environment] as const;

/** Zeroes `value`. */
export function sealRow(seal: Seal, columns: Columns, value: Buffer): Buffer {
  const box = seal.seal(value, contextOf(columns));
  value.fill(0);
  return box;
}

/** The value; null when it, its place or any of its columns is not as it was sealed. */
export function openRow(seal: Seal, row: Columns & { box: Uint8Array }): Buffer | null {
  const plain = seal.open(row.box, contextOf(row));
  if (plain || row.bindings !== '[]' || row.environment !== '[]' || row.owner !== null) return plain;
  // Sealed before there were bindings, which such a record therefore cannot have.
  let origins: string[];
  try {
    origins = parseStoredPlaces(row).origins;
  } catch {
    return null;
  }
  return seal.open(row.box, ['credential', tierOf(row.name), row.name, row.version, ...origins]);
}
