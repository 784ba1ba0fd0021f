import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Files of the workspace that are part of every prompt, with the characters of each that fit. */
const PROMPT_FILES: readonly { name: string; maxChars: number }[] = [
  { name: 'AGENTS.md', maxChars: 8000 },
  { name: 'SOUL.md', maxChars: 4000 },
  { name: 'USER.md', maxChars: 4000 },
  { name: 'MEMORY.md', maxChars: 16_000 },
];
const TOTAL_CHARS = 40_000;

export interface WorkspaceText {
  name: string;
  text: string;
}

/** The prompt's files that exist, each cut at its bound with a mark. A link or anything but a file is left out. */
export async function readWorkspaceFiles(workspace: string): Promise<WorkspaceText[]> {
  const files: WorkspaceText[] = [];
  let left = TOTAL_CHARS;
  for (const { name, maxChars } of PROMPT_FILES) {
    const bound = Math.min(maxChars, left);
    const text = await readStart(`${workspace}/${name}`, bound);
    if (text === undefined || text.trim() === '') continue;
    left -= text.length;
    files.push({ name, text });
  }
  return files;
}

async function readStart(path: string, maxChars: number): Promise<string | undefined> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = await file.stat();
    if (!stat.isFile()) return undefined;
    const buffer = Buffer.alloc(Math.min(stat.size, maxChars * 4 + 4));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    const text = buffer.subarray(0, bytesRead).toString('utf8');
    if (text.length <= maxChars && bytesRead === stat.size) return text;
    const mark = `\n[… cut here: the file is larger than ${maxChars} characters]`;
    return text.slice(0, Math.max(0, maxChars - mark.length)) + mark;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'EACCES' || code === 'ENXIO') return undefined;
    throw error;
  }
}
