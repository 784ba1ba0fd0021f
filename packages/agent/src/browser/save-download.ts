import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Download } from './driver.ts';

const MOST_BYTES = 100 * 1024 * 1024;
const MOST_AT_ONCE = 3;
const LOOK_MS = 250;
const DIRECTORY = 'downloads';
/** Where drivers put what is on its way, below the browser's directory. */
export const HALF_DOWNLOADED = 'half';

/**
 * Stores downloads in `downloads/` of the workspace, under a plain name that replaces no file. A page can begin any
 * number of them unasked, on the disk that the agent's history is on: three at once are let go on, and all are
 * cancelled when what is on its way is more than 100 MiB. `every` calls back until its answer is called.
 */
export function createSaveDownload(
  workspace: string,
  scratch: string,
  every: (ms: number, run: () => void) => () => void,
): (download: Download) => Promise<string> {
  let count = 0;
  const running = new Set<Download>();
  const look = async (): Promise<void> => {
    if ((await bytesIn(join(scratch, HALF_DOWNLOADED))) <= MOST_BYTES) return;
    for (const download of running) await download.cancel().catch(() => {});
  };
  return async (download) => {
    if (running.size >= MOST_AT_ONCE) {
      await download.cancel().catch(() => {});
      return `a download was cancelled: ${MOST_AT_ONCE} are under way`;
    }
    count += 1;
    const half = join(scratch, `download-${count}`);
    running.add(download);
    const stopLooking = every(LOOK_MS, () => void look());
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
      stopLooking();
      running.delete(download);
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

async function bytesIn(directory: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(directory).catch(() => []))
    bytes += (await stat(join(directory, name)).catch(() => null))?.size ?? 0;
  return bytes;
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
