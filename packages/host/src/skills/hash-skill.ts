import { createHash } from 'node:crypto';

/** Content by path. */
export type SkillTree = ReadonlyMap<string, Buffer>;

/** SHA-256 of each file, by path in order. */
export function hashFiles(tree: SkillTree): Record<string, string> {
  return Object.fromEntries(
    [...tree]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, content]) => [path, createHash('sha256').update(content).digest('hex')]),
  );
}

/** SHA-256 over every path and the hash of its content. A line is one file: no path has a line's end in it. */
export function hashSkill(files: Readonly<Record<string, string>>): string {
  const hash = createHash('sha256');
  for (const [path, digest] of Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${digest}  ${path}\n`);
  return hash.digest('hex');
}

export interface SkillChanges {
  added: string[];
  changed: string[];
  removed: string[];
}

export function compareFiles(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): SkillChanges {
  const old = new Map(Object.entries(before));
  const now = new Map(Object.entries(after));
  return {
    added: [...now.keys()].filter((path) => !old.has(path)),
    changed: [...now].flatMap(([path, digest]) => (old.has(path) && old.get(path) !== digest ? [path] : [])),
    removed: [...old.keys()].filter((path) => !now.has(path)),
  };
}
