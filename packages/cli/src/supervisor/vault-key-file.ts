import { randomFillSync } from 'node:crypto';
import { closeSync, fsyncSync, lstatSync, openSync, writeSync } from 'node:fs';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';

const KEY_BYTES = 32;

/**
 * Makes the key file (0600) when there is none and a store has never been made; otherwise checks that no one but
 * its owner can read it. Its contents are never read here: the keeper gets it as an open file.
 */
export function ensureVaultKeyFile(path: string, uid: number, storeExists: boolean): void {
  requirePrivate(`${path}.new`, uid);
  if (requirePrivate(path, uid)) return;
  if (storeExists) {
    throw new OpenLegionError({
      code: 'unavailable',
      rule: 'vault.key',
      message: `The vault's key file ${path} is gone, and without it the sealed store cannot be opened.`,
      remedy: 'Put it back from your backup, or move data/keeper away to begin with an empty vault.',
    });
  }
  const file = openSync(path, 'wx', 0o600);
  try {
    const key = randomFillSync(Buffer.alloc(KEY_BYTES));
    writeSync(file, key);
    key.fill(0);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** False when there is no such file; throws `denied` when someone else can read it or made it. */
function requirePrivate(path: string, uid: number): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return false;
  if (found.isFile() && (found.mode & 0o077) === 0 && found.uid === uid) return true;
  throw new OpenLegionError({
    code: 'denied',
    rule: 'vault.key',
    message: `The vault's key file ${path} must be a file of yours that no one else can read.`,
    remedy: `chmod 600 ${path}; if others could read it, replace the keys in the vault.`,
  });
}
