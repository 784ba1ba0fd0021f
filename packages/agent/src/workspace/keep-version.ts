import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import type { Workspace } from './create-workspace.ts';
import { openBeneath } from './open-beneath.ts';
import { PROMPT_FILE_BYTES } from './prompt-files.ts';
import { removeFile } from './remove-file.ts';

const MOST_VERSIONS = 20;
const VERSION = /^\d{6}-[0-9a-f]{12}$/;

/**
 * Keeps what `file` holds as a version, unless the newest one is the same: at most 20 of each file, the oldest go. What
 * is larger than 64 KiB has no version. Rejects as `Workspace.write` does.
 */
export type KeepVersion = (file: string, content: Buffer) => Promise<void>;

/** One at a time, so that versions of one file get different numbers. Costs a digest where nothing changed. */
export function createKeepVersion(root: string, workspace: Workspace): KeepVersion {
  const newest = new Map<string, string>();
  let last = Promise.resolve();
  const keep = async (file: string, content: Buffer): Promise<void> => {
    const digest = createHash('sha256').update(content).digest('hex').slice(0, 12);
    if (newest.get(file) === digest) return;
    const directory = versionsOf(file);
    const kept = (await openBeneath(root, `${directory}/x`, true, (path) => readdir(path)))
      .filter((name) => VERSION.test(name))
      .sort();
    if (!kept.at(-1)?.endsWith(digest)) {
      const number = Number(kept.at(-1)?.slice(0, 6) ?? 0) + 1;
      await workspace.write(`${directory}/${String(number).padStart(6, '0')}-${digest}`, content);
      for (const name of kept.slice(0, Math.max(0, kept.length + 1 - MOST_VERSIONS)))
        await removeFile(root, `${directory}/${name}`);
    }
    newest.set(file, digest);
  };
  return (file, content) => {
    if (content.length > PROMPT_FILE_BYTES) return Promise.resolve();
    const kept = last.then(() => keep(file, content));
    last = kept.catch(() => {});
    return kept;
  };
}

export function versionsOf(file: string): string {
  return `.versions/${file}`;
}
