import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

const MAIN = resolve(import.meta.dirname, '../src/main.ts');

export interface CommandResult {
  code: number | null;
  out: string;
  err: string;
}

/** Runs `openlegion ARGS` as a process of its own, without a terminal. */
export function runCommand(
  args: readonly string[],
  options: { input?: string; environment?: Record<string, string>; cwd?: string } = {},
): Promise<CommandResult> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: options.cwd ?? '/',
      env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', ...options.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const result: CommandResult = { code: null, out: '', err: '' };
    child.stdout.on('data', (chunk) => {
      result.out += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      result.err += String(chunk);
    });
    child.stdin.on('error', () => {});
    child.once('error', fail);
    child.once('close', (code) => done({ ...result, code }));
    child.stdin.end(options.input ?? '');
  });
}
