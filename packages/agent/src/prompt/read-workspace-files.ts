import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import {
  ALL_FILES_CHARS,
  CORRECTIONS_CHARS,
  CORRECTIONS_FILE,
  PROMPT_FILES,
  SYSTEM_CHARS,
  SYSTEM_FILE,
} from '../workspace/prompt-files.ts';

export interface WorkspaceText {
  name: string;
  text: string;
}

/**
 * The prompt's files that exist, each cut at its bound with a mark, 40,000 characters together. A link or anything
 * but a file is left out. `system` stands for SYSTEM.md, whatever the file says.
 */
export async function readWorkspaceFiles(
  workspace: string,
  { system = '', heartbeat = false }: { system?: string; heartbeat?: boolean } = {},
): Promise<WorkspaceText[]> {
  const files: WorkspaceText[] = [];
  let left = ALL_FILES_CHARS;
  const add = (name: string, text: string | undefined) => {
    if (text === undefined || text.trim() === '') return;
    left -= text.length;
    files.push({ name, text });
  };
  for (const { name, maxChars, heartbeatOnly } of PROMPT_FILES) {
    if (heartbeatOnly && !heartbeat) continue;
    add(name, await readPart(`${workspace}/${name}`, Math.min(maxChars, left), 'start'));
  }
  add(SYSTEM_FILE, system.slice(0, Math.min(SYSTEM_CHARS, left)));
  add(
    CORRECTIONS_FILE,
    await readPart(`${workspace}/${CORRECTIONS_FILE}`, Math.min(CORRECTIONS_CHARS, left), 'end'),
  );
  return files;
}

async function readPart(path: string, maxChars: number, kept: 'start' | 'end'): Promise<string | undefined> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = await file.stat();
    if (!stat.isFile()) return undefined;
    const buffer = Buffer.alloc(Math.min(stat.size, maxChars * 4 + 4));
    const from = kept === 'start' ? 0 : stat.size - buffer.length;
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
    const text = buffer.subarray(0, bytesRead).toString('utf8');
    if (text.length <= maxChars && bytesRead === stat.size) return text;
    const mark = `[… cut here: the file is larger than ${maxChars} characters]`;
    const room = Math.max(0, maxChars - mark.length - 1);
    return kept === 'start'
      ? `${text.slice(0, room)}\n${mark}`
      : `${mark}\n${room > 0 ? text.slice(-room) : ''}`;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'EACCES' || code === 'ENXIO' || code === 'ENOTDIR')
      return undefined;
    throw error;
  }
}
