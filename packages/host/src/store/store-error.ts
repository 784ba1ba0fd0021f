import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Refusal } from '@openlegion/contract/refusal';

/** SQLite's primary result codes (https://sqlite.org/rescode.html) that a person can do something about. */
const BY_RESULT_CODE: Record<number, Refusal> = {
  5: locked(),
  6: locked(),
  8: {
    code: 'unavailable',
    rule: 'store.readonly',
    message: 'The database data/mesh.db cannot be written.',
    remedy:
      'Check the owner and the permissions of the data directory, and that its disk is mounted writable.',
  },
  10: {
    code: 'disk_full',
    rule: 'store.io',
    message: 'The disk refused to read or write the database.',
    remedy: 'Check the free space and the health of the disk that holds the data directory.',
  },
  11: corrupt(),
  13: {
    code: 'disk_full',
    rule: 'store.full',
    message: 'The disk is full: nothing new is accepted, and nothing accepted is lost.',
    remedy: 'Free space on the disk that holds the data directory; work goes on by itself.',
  },
  14: {
    code: 'unavailable',
    rule: 'store.open',
    message: 'The database data/mesh.db cannot be opened.',
    remedy: 'Check that the data directory exists and belongs to the user who runs OpenLegion.',
  },
  26: corrupt(),
};

/** Turns what SQLite threw into an OpenLegionError with a remedy; what is none of SQLite's is returned as it is. */
export function storeError(error: unknown): unknown {
  if (error instanceof OpenLegionError || !(error instanceof Error)) return error;
  if (!('errcode' in error) || typeof error.errcode !== 'number') return error;
  const refusal = BY_RESULT_CODE[error.errcode & 0xff] ?? {
    code: 'internal',
    rule: 'store.error',
    message: 'The database refused an operation.',
    remedy: 'Look in the log of the host for this time.',
  };
  return new OpenLegionError(refusal, { cause: error });
}

function locked(): Refusal {
  return {
    code: 'unavailable',
    rule: 'store.locked',
    message: 'Another process holds the database data/mesh.db.',
    remedy:
      'Stop the other program that has it open (another OpenLegion, or a database tool), then try again.',
  };
}

function corrupt(): Refusal {
  return {
    code: 'internal',
    rule: 'store.corrupt',
    message: 'The database data/mesh.db is damaged.',
    remedy: 'Stop OpenLegion and restore data/mesh.db from one of its backups, data/mesh.db.before-*.',
  };
}
