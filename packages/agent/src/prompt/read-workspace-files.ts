import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { GivenFiles } from '../workspace/given-files.ts';
import type { KeepVersion } from '../workspace/keep-version.ts';
import {
  ALL_FILES_CHARS,
  CORRECTIONS_CHARS,
  CORRECTIONS_FILE,
  PROMPT_FILE_BYTES,
  PROMPT_FILES,
  SYSTEM_CHARS,
  SYSTEM_FILE,
} from '../workspace/prompt-files.ts';

export interface WorkspaceText {
  name: string;
  text: string;
  /** All that a prompt could show of it was put there by a person, or is generated: it may stand as instructions. */
  given: boolean;
}

/**
 * The prompt's files that exist, each cut at its bound with a mark, 40,000 characters together. A link or anything
 * but a file is left out. `system` stands for SYSTEM.md, whatever the file says. What each holds is kept as a version.
 */
export async function readWorkspaceFiles(
  workspace: string,
  {
    system = '',
    heartbeat = false,
    isGiven = () => false,
    keep = async () => {},
  }: {
    system?: string;
    heartbeat?: boolean;
    isGiven?: GivenFiles['isGiven'];
    keep?: KeepVersion;
  } = {},
): Promise<WorkspaceText[]> {
  const files: WorkspaceText[] = [];
  let left = ALL_FILES_CHARS;
  const add = (name: string, text: string, given: boolean) => {
    if (text.trim() === '') return;
    left -= text.length;
    files.push({ name, text, given });
  };
  for (const { name, maxChars, heartbeatOnly } of PROMPT_FILES) {
    const read = await readPart(`${workspace}/${name}`, 'start');
    if (read?.whole) await keep(name, read.bytes);
    if (read === undefined || (heartbeatOnly && !heartbeat)) continue;
    add(name, cut(read, Math.min(maxChars, left), 'start'), isGiven(name, read.bytes));
  }
  add(SYSTEM_FILE, system.slice(0, Math.min(SYSTEM_CHARS, left)), true);
  const corrections = await readPart(`${workspace}/${CORRECTIONS_FILE}`, 'end');
  if (corrections?.whole) await keep(CORRECTIONS_FILE, corrections.bytes);
  if (corrections) add(CORRECTIONS_FILE, cut(corrections, Math.min(CORRECTIONS_CHARS, left), 'end'), false);
  return files;
}

interface Part {
  bytes: Buffer;
  whole: boolean;
}

function cut({ bytes, whole }: Part, maxChars: number, kept: 'start' | 'end'): string {
  const text = bytes.toString('utf8');
  if (text.length <= maxChars && whole) return text;
  const mark = `[… cut here: the file is larger than ${maxChars} characters]`;
  const room = Math.max(0, maxChars - mark.length - 1);
  return kept === 'start'
    ? `${text.slice(0, room)}\n${mark}`
    : `${mark}\n${room > 0 ? text.slice(-room) : ''}`;
}

async function readPart(path: string, kept: 'start' | 'end'): Promise<Part | undefined> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = await file.stat();
    if (!stat.isFile()) return undefined;
    const buffer = Buffer.alloc(Math.min(stat.size, PROMPT_FILE_BYTES));
    const from = kept === 'start' ? 0 : stat.size - buffer.length;
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
    return { bytes: buffer.subarray(0, bytesRead), whole: bytesRead === stat.size };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'EACCES' || code === 'ENXIO' || code === 'ENOTDIR')
      return undefined;
    throw error;
  }
}
