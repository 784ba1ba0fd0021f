import { type Dirent, readdirSync } from 'node:fs';

/** Every entry below `root` but what is below a name of `skip`; links are not followed. */
export function* walk(root: string, skip: ReadonlySet<string>): Generator<{ path: string; entry: Dirent }> {
  let entries: Dirent[];
  try {
    entries = readdirSync(root, { withFileTypes: true });
  } catch {
    return;
  }
  for (const entry of entries) {
    const path = root === '/' ? `/${entry.name}` : `${root}/${entry.name}`;
    if (skip.has(path)) continue;
    yield { path, entry };
    if (entry.isDirectory()) yield* walk(path, skip);
  }
}
