import { appendFile, mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { fileProblem } from './file-problem.ts';
import { replaceFile } from './replace-file.ts';
import { type AnyTool, defineTool } from './tool.ts';

const MAX_CHARS = 1024 * 1024;

/** Writes a whole file, or appends. A file that is replaced is never half written: readers see the old or the new. */
export function createWriteFile(workspace: string): AnyTool {
  return defineTool({
    name: 'write_file',
    description:
      'Write a text file, replacing what was there, or append to it. Relative paths are in the workspace. Missing directories are made.',
    schema: z.strictObject({
      path: z.string().min(1).max(4096),
      content: z.string().max(MAX_CHARS),
      append: z.boolean().default(false),
    }),
    run: async ({ path, content, append }, { callId }) => {
      const full = resolve(workspace, path);
      try {
        await mkdir(dirname(full), { recursive: true });
        if (append) {
          await appendFile(full, content);
        } else {
          await replaceFile(full, content, callId);
        }
        return {
          outcome: 'ok',
          output: `${append ? 'appended' : 'wrote'} ${Buffer.byteLength(content)} bytes to ${path}`,
        };
      } catch (error) {
        return { outcome: 'error', output: fileProblem(error, path) };
      }
    },
  });
}
