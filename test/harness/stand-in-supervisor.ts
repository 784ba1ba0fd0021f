import { type ChildProcess, spawn } from 'node:child_process';
import { writeSupervisorFile } from '../../packages/cli/src/supervisor/supervisor-file.ts';
import type { TestInstallation } from './installation.ts';

/** What `./openlegion` looks for before it talks to a host: a program that stands in for the supervisor of a test's. */
export function standInSupervisor({ home, run, control }: TestInstallation): Disposable {
  const program: ChildProcess = spawn(process.execPath, ['-e', 'process.stdin.resume()', 'supervisor'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const startedAt = new Date().toISOString();
  const pid = program.pid ?? 0;
  writeSupervisorFile(home, { pid, port: control.port, run, startedAt, vaultHasOwnUids: false });
  return { [Symbol.dispose]: () => void program.stdin?.end() };
}
