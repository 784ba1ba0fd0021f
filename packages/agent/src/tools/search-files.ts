import { spawn } from 'node:child_process';
import { z } from 'zod';
import type { OutputCapture } from './output-capture.ts';
import { type AnyTool, defineTool, type ToolContext, type ToolResult } from './tool.ts';

const MOST_LINES = 500;

/**
 * Searches the text of files with grep: its expressions take time in proportion to what is read, whatever they are,
 * and a search that takes too long is a process that can be ended. Links are not followed, binary files passed over.
 */
export function createSearchFiles(options: {
  workspace: string;
  capture: (context: ToolContext) => OutputCapture;
}): AnyTool {
  return defineTool({
    name: 'search_files',
    description:
      'Search the text of files for a pattern (extended regular expression, or with literal a plain text). Gives path:line:text. Relative paths are in the workspace.',
    schema: z.strictObject({
      pattern: z
        .string()
        .min(1)
        .max(1000)
        .refine((text) => !/[\n\0]/.test(text), 'one line'),
      path: z.string().min(1).max(4096).default('.'),
      files: z.string().min(1).max(200).optional().describe('Only files whose name matches, such as *.ts'),
      literal: z.boolean().default(false),
      ignore_case: z.boolean().default(false),
      context_lines: z.int().min(0).max(10).default(0),
    }),
    run: ({ pattern, path, files, literal, ignore_case, context_lines }, context) => {
      const flags = [
        ...['-rnIH', '--exclude-dir=.git', '--exclude-dir=node_modules', `--max-count=${MOST_LINES}`],
        literal ? '-F' : '-E',
        ...(ignore_case ? ['-i'] : []),
        ...(context_lines > 0 ? ['-C', String(context_lines)] : []),
        ...(files === undefined ? [] : [`--include=${files}`]),
      ];
      return grep(
        [...flags, '-e', pattern, '--', path],
        options.workspace,
        options.capture(context),
        context.signal,
      );
    },
  });
}

function grep(
  args: string[],
  workspace: string,
  capture: OutputCapture,
  signal: AbortSignal,
): Promise<ToolResult> {
  return new Promise((resolve) => {
    const child = spawn('grep', args, { cwd: workspace, stdio: ['ignore', 'pipe', 'pipe'], signal });
    let lines = 0;
    let problem = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (lines > MOST_LINES) return;
      lines += chunk.reduce((count, byte) => count + (byte === 0x0a ? 1 : 0), 0);
      capture.add(chunk);
      // Enough to look at; what a search for "e" would give is of no use to anyone.
      if (lines > MOST_LINES) child.kill('SIGKILL');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      problem = (problem + chunk.toString()).slice(0, 1000);
    });
    child.on('error', (error) => {
      problem ||= error.message;
    });
    child.on('close', (code) => {
      const found = capture.finish();
      if (lines > MOST_LINES) {
        resolve({ outcome: 'ok', output: `${found}\n[and more: narrow the pattern, the path or files]` });
      } else if (found !== '') resolve({ outcome: 'ok', output: found.trimEnd() });
      else if (code === 1) resolve({ outcome: 'ok', output: 'nothing was found' });
      else resolve({ outcome: 'error', output: problem.trim() || 'the search did not end' });
    });
  });
}
