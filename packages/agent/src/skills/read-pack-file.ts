import { realpath } from 'node:fs/promises';
import { WorkspacePath } from '@openlegion/contract/agent-api';
import type { ToolResult } from '../tools/tool.ts';
import { findSkills, readStart } from './find-skills.ts';

const FILE_BYTES = 256 * 1024;
const MAX_LISTED = 100;

/** A file of a pack as text, and with `SKILL.md` the names of the others. Nothing outside its folder is read. */
export async function readPackFile(folder: string, file: string): Promise<ToolResult> {
  if (!WorkspacePath.safeParse(file).success)
    return { outcome: 'error', output: `${file.slice(0, 100)} is no path of a file below the pack` };
  const path = `${folder}/${file}`;
  const real = await realpath(path).catch(() => null);
  const start =
    real === `${await realpath(folder).catch(() => folder)}/${file}`
      ? await readStart(path, FILE_BYTES)
      : null;
  if (start === null) return { outcome: 'error', output: `there is no file ${file} in the pack` };
  if (start.bytes.includes(0))
    return { outcome: 'error', output: `${path} is no text; programs can use it there` };
  const cut = start.whole ? '' : `\n[… cut here: the file is larger than ${FILE_BYTES / 1024} KiB]`;
  const text = start.bytes.toString('utf8') + cut;
  if (file !== 'SKILL.md') return { outcome: 'ok', output: text };
  return { outcome: 'ok', output: `[files in ${folder}: ${(await filesOf(folder)).join(', ')}]\n\n${text}` };
}

async function filesOf(folder: string): Promise<string[]> {
  const { files } = await findSkills(folder);
  return files.length > MAX_LISTED
    ? [...files.slice(0, MAX_LISTED), `and ${files.length - MAX_LISTED} more`]
    : files;
}
