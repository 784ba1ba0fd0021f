import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A program of this folder that prints its port when it listens. */
export async function startServer(
  program: string,
  ...options: string[]
): Promise<{ port: number; stop(): void }> {
  const child = runProgram(program, ...options);
  if (!child.stdout) throw new Error(`no output of ${program}`);
  const [line] = await once(child.stdout, 'data');
  return { port: Number(String(line).trim()), stop: () => child.kill() };
}

export function runProgram(program: string, ...options: string[]): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, program), ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
