import { close, constants, mkdir, open } from 'node:fs';
import { promisify } from 'node:util';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';

const openFile = promisify(open);
const closeFile = promisify(close);
const makeDirectory = promisify(mkdir);

/**
 * Calls `use` with a path by which the directory of `path` can be reached, and the last name of `path`. Every
 * directory on the way is opened from the one above it and must not be a link, so what is swapped for a link in the
 * middle of this is refused, not followed. `path` must have passed `WorkspacePath`. `make` creates what is missing.
 */
export async function openBeneath<Result>(
  root: string,
  path: string,
  make: boolean,
  use: (directory: string, name: string) => Promise<Result>,
): Promise<Result> {
  const names = path.split('/');
  const last = names.pop() ?? '';
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  let descriptor = await translated(path, () => openFile(root, flags));
  try {
    for (const name of names) {
      // The kernel resolves this link to the directory that is open, wherever its name points by now.
      const child = `/proc/self/fd/${descriptor}/${name}`;
      if (make) await translated(path, () => makeDirectory(child).catch(ignoreExisting));
      const next = await translated(path, () => openFile(child, flags));
      await closeFile(descriptor);
      descriptor = next;
    }
    return await translated(path, () => use(`/proc/self/fd/${descriptor}`, last));
  } finally {
    await closeFile(descriptor);
  }
}

function ignoreExisting(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
}

async function translated<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OpenLegionError) throw error;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') throw refusal('not_found', `There is no ${path} in the workspace.`, error);
    if (code === 'ENOTDIR' || code === 'ELOOP') {
      throw refusal('denied', `${path} leads through a link or a file and out of the workspace.`, error);
    }
    if (code === 'EISDIR') throw refusal('conflict', `${path} is a directory.`, error);
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw refusal('disk_full', 'The agent’s disk is full; nothing was written.', error);
    }
    if (code === 'EACCES' || code === 'EPERM') {
      throw refusal('denied', `${path} may not be used by the agent’s user.`, error);
    }
    throw error;
  }
}

function refusal(code: 'not_found' | 'denied' | 'conflict' | 'disk_full', message: string, cause: unknown) {
  const remedy =
    code === 'disk_full'
      ? 'Delete files in the workspace or raise resources.disk_limit.'
      : 'List the workspace to see what is there.';
  return new OpenLegionError({ code, rule: 'agent.workspace', message, remedy }, { cause });
}
