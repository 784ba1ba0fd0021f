import type { SQLOutputValue } from 'node:sqlite';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';

/** One row as the database gave it; the functions below read a column and hold it to its type. */
export type Row = Record<string, SQLOutputValue>;

export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw unexpected(column);
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : textOf(row, column);
}

export function integerOf(row: Row, column: string): number {
  const value = row[column];
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw unexpected(column);
}

function unexpected(column: string): OpenLegionError {
  return new OpenLegionError({
    code: 'internal',
    rule: 'store.shape',
    message: `The database holds something unexpected in column ${column}.`,
    remedy: 'Restore data/mesh.db from a backup, or report this with the log of the host.',
  });
}
