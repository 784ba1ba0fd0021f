import { spawn } from 'node:child_process';
import { PROGRAMS } from '../programs.ts';

/** `--`: Node would otherwise take the program's `--env-file` for its own, and load that file. */
const programOf = (args: readonly string[]) => ['--disable-sigusr1', '--', PROGRAMS.vaultAdmin, ...args];

/**
 * Runs the vault's own administration program with this terminal: a value is read there, by a short-lived process
 * of the vault's, and goes from it to the keeper. Returns its exit code.
 */
export function runVaultAdmin(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, programOf(args), {
      stdio: 'inherit',
    });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

export interface VaultAdminOutput {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * The same for what answers no secret (lists, checkpoints, canaries' names), with its output taken. `input` is for a
 * value that was made up here and opens nothing; a real one never passes through this process.
 */
export function captureVaultAdmin(args: readonly string[], input = ''): Promise<VaultAdminOutput> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, programOf(args), {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8');
      child[name].on('data', (chunk: string) => {
        output[name] += chunk;
      });
    }
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, ...output }));
  });
}
