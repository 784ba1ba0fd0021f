import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { base64, oneOf, strictObject } from '../process/strict-parser.ts';
import { VaultError } from '../process/vault-error.ts';

const FORMAT = 'openlegion-vault-export-v1';

const parseFile = strictObject<{ format: string; sealed: string }>({
  format: oneOf(FORMAT),
  sealed: base64(1_048_576),
});

/** Writes what the keeper sealed, 0600. Never over a file that is there: it may be the only copy of something. */
export function writeExport(path: string, sealed: string): void {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (cause) {
    throw fileError(path, 'written', cause);
  }
  try {
    chmodSync(path, 0o600);
    writeSync(file, `${JSON.stringify({ format: FORMAT, sealed })}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The sealed bytes of an export, base64. Throws `bad_request` for any other file. */
export function readExport(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw fileError(path, 'read', cause);
  }
  try {
    return parseFile(JSON.parse(text), '').sealed;
  } catch (cause) {
    throw new VaultError(
      {
        code: 'bad_request',
        rule: 'vault.export',
        message: `${path} is not an export of a vault.`,
        remedy: 'Make one with `./openlegion vault export FILE`.',
      },
      { cause },
    );
  }
}

function fileError(path: string, what: string, cause: unknown): VaultError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'failed';
  const remedy = code === 'EEXIST' ? 'Name a file that is not there yet.' : 'Name another file.';
  return new VaultError(
    {
      code: 'bad_request',
      rule: 'vault.export',
      message: `${path} cannot be ${what} (${code}).`,
      remedy,
    },
    { cause },
  );
}
