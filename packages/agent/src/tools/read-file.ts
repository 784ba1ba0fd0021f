import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { fileProblem } from './file-problem.ts';
import { showPicture } from './show-picture.ts';
import { type AnyTool, defineTool, type ToolResult } from './tool.ts';

const MAX_BYTES = 4 * 1024 * 1024;
const DEFAULT_LINES = 500;

/** Reads text, by lines, or shows a picture. Opens without waiting (a FIFO would hang it) and reads only regular files. */
export function createReadFile(workspace: string): AnyTool {
  return defineTool({
    name: 'read_file',
    description:
      'Read a text file, by lines, or look at a picture (PNG, JPEG, GIF, WebP). Relative paths are in the workspace. Long files: read further with start_line.',
    schema: z.strictObject({
      path: z.string().min(1).max(4096),
      start_line: z.int().min(1).default(1),
      line_count: z.int().min(1).max(5000).default(DEFAULT_LINES),
    }),
    run: async ({ path, start_line, line_count }) => {
      try {
        return await readLines(resolve(workspace, path), path, start_line, line_count);
      } catch (error) {
        return { outcome: 'error', output: fileProblem(error, path) };
      }
    },
  });
}

async function readLines(full: string, path: string, start: number, count: number): Promise<ToolResult> {
  await using file = await open(full, constants.O_RDONLY | constants.O_NONBLOCK);
  const stat = await file.stat();
  if (!stat.isFile()) return { outcome: 'error', output: `${path} is not a regular file` };
  const buffer = Buffer.alloc(MAX_BYTES);
  let bytes = 0;
  while (bytes < MAX_BYTES) {
    const { bytesRead } = await file.read(buffer, bytes, MAX_BYTES - bytes, null);
    if (bytesRead === 0) break;
    bytes += bytesRead;
  }
  const content = buffer.subarray(0, bytes);
  const picture = showPicture(`${path} is a picture`, content, Math.max(bytes, stat.size));
  if (picture) return picture;
  if (content.subarray(0, 8192).includes(0)) {
    return {
      outcome: 'error',
      output: `${path} is binary (${Math.max(bytes, stat.size)} bytes); look at it with exec`,
    };
  }
  const lines = content.toString('utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (start > lines.length && lines.length > 0) {
    return { outcome: 'error', output: `${path} has ${lines.length} lines` };
  }
  const shown = lines.slice(start - 1, start - 1 + count);
  const notes: string[] = [];
  const left = lines.length - (start - 1 + shown.length);
  if (left > 0) notes.push(`[${left} more lines; start_line: ${start + shown.length}]`);
  if (bytes === MAX_BYTES) notes.push('[only the first 4 MiB were read; use exec for what follows]');
  return { outcome: 'ok', output: [...shown, ...notes].join('\n') };
}
