import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { PROGRAMS } from '../programs.ts';

/** `--`: Node would otherwise take the program's `--env-file` for its own, and load that file. */
const programOf = (args: readonly string[]) => ['--disable-sigusr1', '--', PROGRAMS.vaultAdmin, ...args];

/**
 * Runs the vault's own administration program with this terminal: a value is read there, by a short-lived process
 * of the vault's, and goes from it to the keeper. Returns its exit code.
 */
export async function runVaultAdmin(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, programOf(args), { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  return code ?? 1;
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
export async function captureVaultAdmin(args: readonly string[], input = ''): Promise<VaultAdminOutput> {
  const child = spawn(process.execPath, programOf(args), { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: code ?? 1, stdout, stderr };
}
