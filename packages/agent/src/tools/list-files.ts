import { lstat, opendir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { fileProblem } from './file-problem.ts';
import { type AnyTool, defineTool } from './tool.ts';

const MAX_ENTRIES = 500;

/** Lists a directory, never following a symbolic link below it; at most 500 entries. */
export function createListFiles(workspace: string): AnyTool {
  return defineTool({
    name: 'list_files',
    description: 'List files with their sizes. Relative paths are in the workspace.',
    schema: z.strictObject({
      path: z.string().min(1).max(4096).default('.'),
      depth: z.int().min(1).max(8).default(2).describe('How many levels of directories.'),
    }),
    run: async ({ path, depth }, { signal }) => {
      const lines: string[] = [];
      try {
        const whole = await list(resolve(workspace, path), '', depth, lines, signal);
        if (!whole) lines.push(`[only the first ${MAX_ENTRIES} are shown]`);
        return { outcome: 'ok', output: lines.join('\n') || '(empty)' };
      } catch (error) {
        return { outcome: 'error', output: fileProblem(error, path) };
      }
    },
  });
}

async function list(
  directory: string,
  prefix: string,
  depth: number,
  lines: string[],
  signal: AbortSignal,
): Promise<boolean> {
  const names: string[] = [];
  for await (const entry of await opendir(directory)) {
    signal.throwIfAborted();
    names.push(entry.name);
    if (names.length > 10_000) break;
  }
  for (const name of names.sort()) {
    if (lines.length >= MAX_ENTRIES) return false;
    const full = join(directory, name);
    const stat = await lstat(full).catch(() => undefined);
    if (stat === undefined) continue;
    if (stat.isDirectory()) {
      lines.push(`${prefix}${name}/`);
      if (depth > 1 && !(await list(full, `${prefix}${name}/`, depth - 1, lines, signal))) return false;
    } else {
      lines.push(`${prefix}${name}  ${stat.isSymbolicLink() ? 'link' : `${stat.size} bytes`}`);
    }
  }
  return true;
}
