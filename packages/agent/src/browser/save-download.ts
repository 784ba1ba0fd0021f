import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Download } from './driver.ts';

const MOST_BYTES = 100 * 1024 * 1024;
const DIRECTORY = 'downloads';

/**
 * Stores downloads in `downloads/` of the workspace, under a plain name that replaces no file. One larger than 100 MiB
 * is thrown away; the agent's disk bounds all of them.
 */
export function createSaveDownload(
  workspace: string,
  scratch: string,
): (download: Download) => Promise<string> {
  let count = 0;
  return async (download) => {
    count += 1;
    const half = join(scratch, `download-${count}`);
    try {
      await download.saveAs(half);
      const { size } = await stat(half);
      const name = plainName(download.suggestedFilename());
      if (size > MOST_BYTES) return `the download ${name} was thrown away: it is larger than 100 MiB`;
      const directory = join(workspace, DIRECTORY);
      await mkdir(directory, { recursive: true });
      const free = await freeName(directory, name);
      await rename(half, join(directory, free));
      return `downloaded ${DIRECTORY}/${free} (${size} bytes)`;
    } finally {
      await rm(half, { force: true });
      await download.delete().catch(() => {});
    }
  };
}

/** As a workspace path takes it: letters, digits and a few marks, no dot in front, at most 120 characters. */
export function plainName(suggested: string): string {
  const cleaned = suggested
    .normalize('NFC')
    .replaceAll(/[^\p{L}\p{N}_.@+ -]/gu, '_')
    .replace(/^[. ]+/, '')
    .trim();
  const dot = cleaned.lastIndexOf('.');
  const extension = dot > 0 ? cleaned.slice(dot).slice(0, 20) : '';
  const stem = (dot > 0 ? cleaned.slice(0, dot) : cleaned).slice(0, 100).trim();
  return stem === '' ? `download${extension}` : `${stem}${extension}`;
}

async function freeName(directory: string, name: string): Promise<string> {
  const dot = name.lastIndexOf('.');
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  for (let turn = 1; ; turn++) {
    const candidate = turn === 1 ? name : `${stem}-${turn}${extension}`;
    const taken = await stat(join(directory, candidate)).catch(() => null);
    if (taken === null) return candidate;
  }
}
