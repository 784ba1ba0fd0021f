import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const NAME = 'openlegion';

/**
 * Puts the agent's authority into a certificate store of Chromium's below `home`, made anew each time: an authority of
 * a container before this one is trusted no longer. The proxy's certificates are signed by it.
 */
export async function trustAuthority(home: string, authorityFile: string): Promise<void> {
  const store = join(home, '.pki', 'nssdb');
  if (existsSync(store)) rmSync(store, { recursive: true });
  mkdirSync(store, { recursive: true, mode: 0o700 });
  const database = ['-d', `sql:${store}`];
  await run('certutil', ['-N', '--empty-password', ...database]);
  await run('certutil', ['-A', '-n', NAME, '-t', 'C,,', '-i', authorityFile, ...database]);
}
