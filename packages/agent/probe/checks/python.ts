import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { KERNEL_PROGRAM } from './kernel-program.ts';

/** Runs a Python program given on standard input; the last line of its output is JSON. */
export async function runPython(program: string, args: string[] = []): Promise<unknown> {
  const child = spawn('python3', ['-', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {});
  child.stdin.end(program);
  const [output, errors, end] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<string>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve(signal ?? String(code)));
    }),
  ]);
  const line = output.trim().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(`the Python program ended with ${end}: ${errors.slice(-500)}`);
  }
}

/** System calls and socket families, tried one by one. */
export function tryKernel(): Promise<unknown> {
  return runPython(KERNEL_PROGRAM);
}
