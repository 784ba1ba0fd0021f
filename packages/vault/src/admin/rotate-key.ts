import { randomFillSync } from 'node:crypto';
import { chownSync, closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { KeeperClient } from '../process/keeper-client.ts';
import { VaultError } from '../process/vault-error.ts';

const KEY_BYTES = 32;

/** The new key lies here until the keeper has taken it; the supervisor tries it first when it finds one. */
export const newKeyPath = (keyFile: string): string => `${keyFile}.new`;

/**
 * Gives the store a new key, safe at every step: the new key is on disk beside the old one before the keeper takes
 * it, and takes its place afterwards. Where it is not known whether the keeper took it (it ended meanwhile), both
 * stay, and the next start finds out which one opens the store. Throws what the keeper refused.
 */
export async function rotateKey(keeper: KeeperClient<'admin'>, keyFile: string): Promise<string> {
  const next = newKeyPath(keyFile);
  const key = randomFillSync(Buffer.alloc(KEY_BYTES));
  writeKey(next, key, statSync(keyFile));
  const newKey = key.toString('base64');
  key.fill(0);
  const outcome = await keeper.call('rotateKey', { newKey });
  if (!outcome.ok) {
    if (outcome.refusal.code !== 'unavailable') {
      rmSync(next, { force: true });
      throw new VaultError(outcome.refusal);
    }
    throw new VaultError({
      ...outcome.refusal,
      message: `It is not known whether the keeper took the new key: it ended meanwhile.`,
      remedy: `Nothing is lost: ${keyFile} and ${next} both stay, and the next start finds the right one.`,
    });
  }
  try {
    renameSync(next, keyFile);
  } catch (error) {
    // The supervisor may have done it: it started the keeper anew with the new key.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  syncDirectory(keyFile);
  return outcome.result.rotatedAt;
}

/** One that is there already may be the key of the store: it is never written over. */
function writeKey(path: string, key: Buffer, { uid, gid }: { uid: number; gid: number }): void {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause;
    throw new VaultError({
      code: 'conflict',
      rule: 'vault.key',
      message: `${path} is left from a rotation that did not end.`,
      remedy: 'Stop and start OpenLegion: it finds out which key opens the store. Then try again.',
    });
  }
  try {
    writeSync(file, key);
    if (process.getuid?.() === 0) chownSync(path, uid, gid);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  syncDirectory(path);
}

function syncDirectory(path: string): void {
  const directory = openSync(dirname(path), 'r');
  fsyncSync(directory);
  closeSync(directory);
}
