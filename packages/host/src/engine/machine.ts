import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { type ProgramResult, type RunOptions, runProgram, systemEnvironment } from './run-program.ts';

/** What the installation of an engine asks of the machine; tests give their own. */
export interface Machine {
  platform: NodeJS.Platform;
  uid: number;
  exists(path: string): Promise<boolean>;
  /** The file's text, empty where it cannot be read. */
  read(path: string): Promise<string>;
  run(command: readonly string[], options: Omit<RunOptions, 'env'>): Promise<ProgramResult>;
  /** Starts a process that outlives this one, its output appended to `logFile`. Resolves when it ends. */
  detach(command: readonly string[], logFile: string): { ended: Promise<void> };
  wait(ms: number): Promise<void>;
}

export function createMachine(env: NodeJS.ProcessEnv): Machine {
  return {
    platform: process.platform,
    uid: process.getuid?.() ?? -1,
    exists: (path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    read: (path) => readFile(path, 'utf8').catch(() => ''),
    run: (command, options) => runProgram(command, { ...options, env }),
    detach([program = '', ...args], logFile) {
      const log = openSync(logFile, 'a', 0o600);
      const child = spawn(program, args, {
        stdio: ['ignore', log, log],
        env: systemEnvironment(env),
        detached: true,
        cwd: '/',
      });
      const { promise, resolve } = Promise.withResolvers<void>();
      child.on('error', () => resolve());
      child.on('exit', () => resolve());
      child.unref();
      return { ended: promise };
    },
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
}
