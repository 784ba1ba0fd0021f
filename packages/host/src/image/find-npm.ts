import { readdir, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { TarEntry } from './tar-archive.ts';

/** The pinned npm without its manuals, of this installation's own dependencies, for the image. */
export async function findNpm(): Promise<{ version: string; entries: () => Promise<TarEntry[]> }> {
  const manifest = createRequire(import.meta.url).resolve('npm/package.json');
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(await readFile(manifest, 'utf8')));
  return { version, entries: () => filesBelow(dirname(manifest)) };
}

async function filesBelow(directory: string): Promise<TarEntry[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = found
    .filter((entry) => entry.isFile() && !/\/npm\/(?:docs|man)(?:\/|$)/.test(entry.parentPath))
    .map((entry) => join(entry.parentPath, entry.name));
  return await Promise.all(
    files.toSorted().map(async (file) => {
      const content = await readFile(file);
      const { mode } = await stat(file);
      const path = `npm${file.slice(directory.length)}`;
      return { path, mode: mode & 0o111 ? 0o755 : 0o644, bytes: content.length, content };
    }),
  );
}
