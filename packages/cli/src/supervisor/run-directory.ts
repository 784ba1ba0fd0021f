import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';

/** Names an installation: the first 8 hex digits of SHA-256 over its home. */
function installationHash(home: string): string {
  return createHash('sha256').update(realpathSync(home)).digest('hex').slice(0, 8);
}

/**
 * Where the sockets of an installation live: short (a Unix socket's path has 107 bytes) and outside the home (the
 * vault's users cannot enter a private one). Root: /run; others: $XDG_RUNTIME_DIR or /tmp.
 */
export function runDirectoryPath(home: string, uid: number, runtimeDirectory: string | undefined): string {
  const hash = installationHash(home);
  if (uid === 0) return `/run/openlegion-${hash}`;
  if (runtimeDirectory && runtimeDirectory.length < 60) return join(runtimeDirectory, `openlegion-${hash}`);
  return `/tmp/openlegion-${uid}-${hash}`;
}

/**
 * Makes it, emptied. In a directory that others can write to, such as /tmp, someone may have put their own there
 * first: one that is a link, or another's, is refused and never used.
 */
export function prepareRunDirectory(path: string, uid: number): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed';
    if (code !== 'EEXIST') {
      throw new OpenLegionError(
        {
          code: 'unavailable',
          rule: 'run.directory',
          message: `The directory of the sockets, ${path}, cannot be made (${code}).`,
          remedy: `Make ${dirname(path)} writable (ls -ld ${dirname(path)}; /tmp usually has mode 1777).`,
        },
        { cause: error },
      );
    }
  }
  const found = lstatSync(path);
  if (!found.isDirectory() || found.uid !== uid) {
    throw new OpenLegionError({
      code: 'denied',
      rule: 'run.owner',
      message: `${path} exists and is not a directory of yours; someone else may have made it to read your traffic.`,
      remedy: `Look at it (ls -ld ${path}), remove it, and start again.`,
    });
  }
  for (const name of ['keeper-gateway', 'keeper-host', 'keeper-admin', 'gateway', 'scripted']) {
    rmSync(join(path, `${name}.sock`), { force: true });
  }
  // The gateway's own user must pass through to its sockets; it cannot list or write.
  chmodSync(path, uid === 0 ? 0o711 : 0o700);
}

export function removeRunDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true });
}
