import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { PROGRAM_ENVIRONMENT } from '@openlegion/contract/program-environment';
import { z } from 'zod';
import type { OutputCapture } from './output-capture.ts';
import { type AnyTool, defineTool, type ToolContext, type ToolResult } from './tool.ts';

const MAX_TIMEOUT_S = 600;
/** How long the output of a command that has ended is still waited for; what it left running may hold it open. */
const DRAIN_MS = 200;

/**
 * Runs a command line with bash. The one place where text of the model reaches a shell: that is what the tool is
 * for, and it happens inside the container only. The whole process group is killed at the time limit or on cancel.
 */
export function createExec(options: {
  workspace: string;
  /** Placeholders of credentials, by the variables that programs look into. */
  environment: Readonly<Record<string, string>>;
  capture: (context: ToolContext) => OutputCapture;
}): AnyTool {
  return defineTool({
    name: 'exec',
    description:
      'Run a command line with bash in the workspace. Gives back what it printed (output and errors together) and its exit code. There is no network but what was granted.',
    schema: z.strictObject({
      command: z.string().min(1).max(100_000).describe('The command line.'),
      timeout_s: z.int().min(1).max(MAX_TIMEOUT_S).default(120).describe('Seconds after which it is killed.'),
    }),
    timeoutMs: (MAX_TIMEOUT_S + 10) * 1000,
    run: async ({ command, timeout_s }, context) => {
      const capture = options.capture(context);
      const child = spawn('/bin/bash', ['-lc', command], {
        cwd: options.workspace,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...PROGRAM_ENVIRONMENT,
          ...options.environment,
          PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
          HOME: options.workspace,
          LANG: 'C.UTF-8',
          TERM: 'dumb',
        },
      });
      child.stdout.on('data', (chunk: Buffer) => capture.add(chunk));
      child.stderr.on('data', (chunk: Buffer) => capture.add(chunk));
      return settle(child, capture, timeout_s, context.signal);
    },
  });
}

async function settle(
  child: ChildProcess,
  capture: OutputCapture,
  timeoutS: number,
  signal: AbortSignal,
): Promise<ToolResult> {
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup(child);
  }, timeoutS * 1000);
  const onAbort = () => killGroup(child);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    const closed = once(child, 'close');
    closed.catch(() => {});
    const [exitCode, killedBy] = await once(child, 'exit');
    await drained(child, closed);
    const output = capture.finish().replace(/\n$/, '');
    if (timedOut) return { outcome: 'error', output: `${output}\n[killed after ${timeoutS} s]`.trimStart() };
    if (signal.aborted) return { outcome: 'cancelled', output };
    const end = killedBy ? `killed by ${killedBy}` : `exit code ${exitCode}`;
    return { outcome: exitCode === 0 ? 'ok' : 'error', output: `${output}\n[${end}]`.trimStart() };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

async function drained(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, DRAIN_MS);
  await Promise.race([closed, late.promise]);
  clearTimeout(timer);
  child.stdout?.destroy();
  child.stderr?.destroy();
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
