import { spawn } from 'node:child_process';
import { takeHomeOption } from '../configuration/resolve-home.ts';
import { PROGRAMS } from '../programs.ts';
import { cleanEnvironment, secretVariables } from './secret-variables.ts';

/** Set by the first stage for the second: the process that is moving the environment's keys into the vault. */
export const IMPORTER_PID = 'OPENLEGION_IMPORTER_PID';

/**
 * Replaces this process by itself without any credential in its environment, memory or `/proc/self/environ`;
 * returns only when there was none. Runs before anything else is loaded. For a command that starts an
 * installation, a short-lived child keeps the variables and moves them into the vault once it is up.
 */
export function reExecuteClean(argv: readonly string[], environment: NodeJS.ProcessEnv): void {
  if (secretVariables(environment).length === 0) return;
  const clean = cleanEnvironment(environment);
  delete clean[IMPORTER_PID];
  const args = argv.slice(2);
  if (startsInstallation(args)) {
    const importer = spawn(
      process.execPath,
      ['--disable-sigusr1', '--', PROGRAMS.importEnvironment, ...args],
      {
        env: environment,
        // What it says of names goes to standard error: standard output is the command's own.
        stdio: ['ignore', 2, 2],
      },
    );
    if (importer.pid !== undefined) clean[IMPORTER_PID] = String(importer.pid);
  }
  if (!process.execve) throw new Error('this Node cannot replace its own process image');
  process.execve(process.execPath, [process.execPath, ...process.execArgv, '--', ...argv.slice(1)], clean);
}

/** The demo on the scripted model needs no key, so none is given to it. */
function startsInstallation(args: readonly string[]): boolean {
  const { rest } = takeHomeOption(args);
  const command = rest.find((argument) => !argument.startsWith('-'));
  return (
    command === 'start' || (command === 'demo' && rest.some((argument) => argument.startsWith('--provider')))
  );
}
