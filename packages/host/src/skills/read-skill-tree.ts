import { constants, type Dirent, type Stats } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import type { SkillTree } from './hash-skill.ts';
import { SKILL_LIMITS } from './skill-limits.ts';
import { collidingPaths, skillPathProblem } from './skill-path.ts';

export type ReadTree = { ok: true; tree: SkillTree } | { ok: false; problem: string };

export interface TreeEntry {
  path: string;
  /** Changes when the file does. */
  state: string;
  bytes: number;
}

/**
 * Every file below a directory. Nothing is followed: a link, a file with a second name elsewhere, a device or a pipe
 * refuses the whole, and so do paths that `skillPathProblem` refuses, and more than the limits. `hidden: 'skip'`
 * leaves out what begins with a dot, for folders that people work in.
 */
export async function listSkillTree(
  directory: string,
  hidden: 'take' | 'skip',
): Promise<{ ok: true; entries: TreeEntry[] } | { ok: false; problem: string }> {
  const entries: TreeEntry[] = [];
  let bytes = 0;
  const walk = async (below: string): Promise<string | null> => {
    for (const entry of await sorted(`${directory}/${below}`)) {
      if (hidden === 'skip' && entry.name.startsWith('.')) continue;
      const path = `${below}${entry.name}`;
      const problem = entry.isDirectory() ? await folderProblem(path) : await take(path);
      if (problem !== null) return problem;
    }
    return null;
  };
  const folderProblem = async (path: string): Promise<string | null> => {
    const wrong = skillPathProblem(path);
    return wrong === null ? walk(`${path}/`) : `${shown(path)}: ${wrong}`;
  };
  const take = async (path: string): Promise<string | null> => {
    const wrong = skillPathProblem(path);
    if (wrong !== null) return `${shown(path)}: ${wrong}`;
    const stat = await lstat(`${directory}/${path}`);
    const kind = kindProblem(stat);
    if (kind !== null) return `${shown(path)}: ${kind}`;
    bytes += stat.size;
    entries.push({ path, bytes: stat.size, state: stateOf(stat) });
    if (entries.length > SKILL_LIMITS.files) return `it has more than ${SKILL_LIMITS.files} files`;
    return bytes > SKILL_LIMITS.bytes ? `it is larger than ${SKILL_LIMITS.bytes / 1024 / 1024} MiB` : null;
  };
  try {
    const stat = await lstat(directory);
    if (!stat.isDirectory()) return { ok: false, problem: 'it is not a folder' };
    const problem = await walk('');
    if (problem !== null) return { ok: false, problem };
  } catch (error) {
    return { ok: false, problem: readProblem(error) };
  }
  const same = collidingPaths(entries.map(({ path }) => path));
  return same === null
    ? { ok: true, entries }
    : { ok: false, problem: `${shown(same[0])} and ${shown(same[1])} are one file on some file systems` };
}

/** The tree with its content, or why it is not taken. */
export async function readSkillTree(directory: string, hidden: 'take' | 'skip'): Promise<ReadTree> {
  const listed = await listSkillTree(directory, hidden);
  if (!listed.ok) return listed;
  const tree = new Map<string, Buffer>();
  for (const { path, state } of listed.entries) {
    const content = await readUnchanged(`${directory}/${path}`, state);
    if (content === null) return { ok: false, problem: `${shown(path)} was changed while it was read` };
    tree.set(path, content);
  }
  return { ok: true, tree };
}

/** The file that was looked at, and no other that took its place since. */
async function readUnchanged(file: string, state: string): Promise<Buffer | null> {
  try {
    await using handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (stateOf(await handle.stat()) !== state) return null;
    const content = await handle.readFile();
    return stateOf(await handle.stat()) === state ? content : null;
  } catch {
    return null;
  }
}

function kindProblem(stat: Stats): string | null {
  if (stat.isSymbolicLink()) return 'it is a link';
  if (!stat.isFile()) return 'it is no regular file';
  if (stat.nlink > 1) return 'it is a hard link: the same file has another name';
  return stat.size > SKILL_LIMITS.fileBytes ? `it is larger than ${SKILL_LIMITS.fileBytes} bytes` : null;
}

function stateOf({ ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}

async function sorted(directory: string): Promise<Dirent[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function readProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' ? 'it is not there' : `it cannot be read (${String(code)})`;
}

/** A name as it can be shown: what cannot be seen in it is written out. */
export function shown(path: string): string {
  return JSON.stringify(path.slice(0, 120)).replace(
    /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
