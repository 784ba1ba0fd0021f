import { createHash } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';

const MAX_FILES = 4000;
const MAX_DEPTH = 8;
const MAX_MODULES = 100;
const MAX_PACKS = 200;

/** A file that may define tools, or begins a pack; `state` changes with the file. */
export interface FoundSkill {
  /** Below the directory: `counters.ts`, `pdf/SKILL.md`. */
  path: string;
  file: string;
  state: string;
}

export interface FoundSkills {
  /** `*.ts` at the top, and in a folder `tools` of a pack. */
  modules: FoundSkill[];
  /** `SKILL.md`, wherever it is. */
  packs: FoundSkill[];
  /** Every file, by its path. */
  files: string[];
  /** Changes when anything that could matter to a module does: every file below, by size and time. */
  state: string;
}

/**
 * What lies in a directory of skills. Links are left out, and so is what is beyond 4,000 files, 8 folders deep,
 * 100 modules or 200 packs. A directory that is not there holds nothing.
 */
export async function findSkills(directory: string): Promise<FoundSkills> {
  const found: FoundSkills = { modules: [], packs: [], files: [], state: '' };
  const hash = createHash('sha256');
  const walk = async (below: string, depth: number): Promise<void> => {
    for (const entry of await entriesOf(`${directory}${below}`)) {
      const path = `${below}/${entry.name}`;
      if (entry.isDirectory()) {
        if (depth < MAX_DEPTH && entry.name !== 'node_modules' && entry.name !== '.git')
          await walk(path, depth + 1);
        continue;
      }
      if (!entry.isFile() || found.files.length >= MAX_FILES) continue;
      found.files.push(path.slice(1));
      const file = `${directory}${path}`;
      const { size, mtimeMs, ctimeMs, ino } = await lstat(file);
      const state = `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
      hash.update(`${path}\0${state}\0`);
      const skill = { path: path.slice(1), file, state };
      if (entry.name === 'SKILL.md' && found.packs.length < MAX_PACKS) found.packs.push(skill);
      const isModule =
        entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts') && !entry.name.endsWith('.test.ts');
      if (isModule && (depth === 0 || /\/tools\/[^/]+$/.test(path)) && found.modules.length < MAX_MODULES)
        found.modules.push(skill);
    }
  };
  await walk('', 0);
  found.state = found.files.length === 0 ? '' : hash.digest('hex');
  return found;
}

async function entriesOf(directory: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR') return [];
    throw error;
  }
}

/** The start of a regular file, at most `maxBytes`; null for anything else, a link included. */
export async function readStart(
  file: string,
  maxBytes: number,
): Promise<{ bytes: Buffer; whole: boolean } | null> {
  try {
    await using handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = await handle.stat();
    if (!stat.isFile()) return null;
    const buffer = Buffer.alloc(Math.min(stat.size, maxBytes));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return { bytes: buffer.subarray(0, bytesRead), whole: stat.size <= maxBytes };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'EACCES' || code === 'ENXIO' || code === 'ENOTDIR')
      return null;
    throw error;
  }
}
