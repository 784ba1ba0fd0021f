import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Starts what needs the vault's key. After a rotation that was cut off there are two: `vault.key`, and `vault.key.new`
 * of which the keeper alone knows whether it took it. The new one is tried first; the one that opens the store stays
 * as `vault.key`. Where neither does, both stay.
 */
export async function tryKeys<T extends { report: { ready: boolean } }>(
  keyFile: string,
  start: (keyFile: string) => Promise<T>,
): Promise<T> {
  const fresh = `${keyFile}.new`;
  if (!existsSync(fresh)) return start(keyFile);
  const withFresh = await start(fresh);
  if (withFresh.report.ready) {
    if (existsSync(fresh)) renameSync(fresh, keyFile);
    syncDirectory(keyFile);
    return withFresh;
  }
  const withOld = await start(keyFile);
  if (withOld.report.ready) rmSync(fresh, { force: true });
  return withOld;
}

function syncDirectory(path: string): void {
  const directory = openSync(dirname(path), 'r');
  fsyncSync(directory);
  closeSync(directory);
}
