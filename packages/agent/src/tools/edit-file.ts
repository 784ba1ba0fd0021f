import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { fileProblem } from './file-problem.ts';
import { replaceFile } from './replace-file.ts';
import { type AnyTool, defineTool, type ToolResult } from './tool.ts';

const MAX_BYTES = 4 * 1024 * 1024;
const MAX_CHARS = 256 * 1024;

/**
 * Replaces text in a file. The text must occur exactly once, or `replace_all` must say that all are meant: an edit of
 * the wrong place is worse than none. The file is never half written.
 */
export function createEditFile(workspace: string): AnyTool {
  return defineTool({
    name: 'edit_file',
    description:
      'Replace text in a file. old_text must be in the file exactly once, spaces and line ends included; with replace_all every occurrence is replaced.',
    schema: z
      .strictObject({
        path: z.string().min(1).max(4096),
        old_text: z.string().min(1).max(MAX_CHARS),
        new_text: z.string().max(MAX_CHARS),
        replace_all: z.boolean().default(false),
      })
      .refine(({ old_text, new_text }) => old_text !== new_text, 'new_text is the same as old_text'),
    run: async ({ path, old_text, new_text, replace_all }, { callId }) => {
      const full = resolve(workspace, path);
      try {
        const read = await readText(full, path);
        if (typeof read !== 'string') return read;
        const pieces = read.split(old_text);
        const found = pieces.length - 1;
        if (found === 0 || (found > 1 && !replace_all)) return notUnique(path, read, old_text, found);
        await replaceFile(full, pieces.join(new_text), callId);
        const line = (pieces[0] ?? '').split('\n').length;
        const what = found === 1 ? `at line ${line}` : `${found} times, first at line ${line}`;
        return { outcome: 'ok', output: `replaced ${what} of ${path}` };
      } catch (error) {
        return { outcome: 'error', output: fileProblem(error, path) };
      }
    },
  });
}

/** Without waiting for a FIFO; only what is text, so that a binary file is not damaged by the way back. */
async function readText(full: string, path: string): Promise<string | ToolResult> {
  await using file = await open(full, constants.O_RDONLY | constants.O_NONBLOCK);
  const stat = await file.stat();
  if (!stat.isFile()) return { outcome: 'error', output: `${path} is not a regular file` };
  if (stat.size > MAX_BYTES) return { outcome: 'error', output: `${path} is larger than 4 MiB; use exec` };
  const bytes = await file.readFile();
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { outcome: 'error', output: `${path} is not UTF-8 text; use exec` };
  }
}

function notUnique(path: string, text: string, wanted: string, found: number): ToolResult {
  if (found > 1)
    return {
      outcome: 'error',
      output: `old_text is ${found} times in ${path}: give more of what is around it, or set replace_all`,
    };
  const loose = (value: string) => value.replaceAll(/\s+/g, ' ').trim();
  const hint = loose(text).includes(loose(wanted)) ? ' (it is there with other spaces or line ends)' : '';
  return { outcome: 'error', output: `old_text is not in ${path}${hint}; read the file again` };
}
