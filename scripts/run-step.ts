import { spawn } from 'node:child_process';

/** What sets a machine up downloads for minutes; more than this is a download that stands still. */
const LONGEST_MS = 20 * 60_000;

/** Runs a command with its output shown only when it fails; true when it succeeded in time. */
export async function runStep(title: string, command: string, args: string[]): Promise<boolean> {
  const startedAt = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: LONGEST_MS });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
  const exitCode = await new Promise<number>((resolve) => {
    child.on('error', (error) => {
      output.push(Buffer.from(`${error.message}\n`));
      resolve(1);
    });
    child.on('close', (code) => resolve(code ?? 1));
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${exitCode === 0 ? 'ok    ' : 'failed'} ${title} (${seconds} s)`);
  if (exitCode !== 0) process.stdout.write(Buffer.concat(output));
  return exitCode === 0;
}
