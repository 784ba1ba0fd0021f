import { createHash } from 'node:crypto';
import type { Workspace } from './create-workspace.ts';
import { removeFile } from './remove-file.ts';

const MOST_VERSIONS = 20;

/** Keeps what `file` holds as a version, unless the newest one is the same: at most 20 of each file, the oldest go. */
export async function keepVersion(
  root: string,
  workspace: Workspace,
  file: string,
  content: Buffer,
): Promise<void> {
  const directory = versionsOf(file);
  const kept = (await workspace.stamps())
    .map(({ path }) => path)
    .filter((path) => path.startsWith(`${directory}/`) && /\/\d{6}-[0-9a-f]{12}$/.test(path))
    .sort();
  const digest = createHash('sha256').update(content).digest('hex').slice(0, 12);
  const newest = kept.at(-1);
  if (newest?.endsWith(digest)) return;
  const number = Number(newest?.slice(directory.length + 1, directory.length + 7) ?? 0) + 1;
  await workspace.write(`${directory}/${String(number).padStart(6, '0')}-${digest}`, content);
  for (const path of kept.slice(0, Math.max(0, kept.length + 1 - MOST_VERSIONS)))
    await removeFile(root, path);
}

export function versionsOf(file: string): string {
  return `.versions/${file}`;
}
