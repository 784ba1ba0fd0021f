import { readdir, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { TarEntry } from './tar-archive.ts';

export interface FoundModule {
  name: string;
  version: string;
  entries: () => Promise<TarEntry[]>;
}

/** Not in the image: manuals, pages and tools for people who write tests, declarations. */
const LEFT_OUT: ReadonlyMap<string, RegExp> = new Map([
  ['npm', /^(?:docs|man)\//],
  ['playwright-core', /^(?:types|bin|lib\/vite|lib\/tools\/(?:dashboard|skills))\//],
  ['patchright-core', /^(?:types|bin|lib\/vite|lib\/tools\/(?:dashboard|skills))\//],
]);

/** A package of this installation's own dependencies, at its pinned version, for the image. Throws where it is missing. */
export async function findModule(name: string): Promise<FoundModule> {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(await readFile(manifest, 'utf8')));
  return { name, version, entries: () => filesOf(name, dirname(manifest)) };
}

async function filesOf(name: string, directory: string): Promise<TarEntry[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .filter((path) => !LEFT_OUT.get(name)?.test(path));
  return await Promise.all(
    files.toSorted().map(async (path) => {
      const file = join(directory, path);
      const [content, { mode }] = await Promise.all([readFile(file), stat(file)]);
      const permissions = mode & 0o111 ? 0o755 : 0o644;
      return { path: `${name}/${path}`, mode: permissions, bytes: content.length, content };
    }),
  );
}
