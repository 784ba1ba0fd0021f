import assert from 'node:assert/strict';
import type { Sandbox, SandboxBackend, SandboxExit, SandboxSpec } from '../sandbox-backend.ts';

const MEBIBYTE = 1024 * 1024;

/** A spec for the suite; `image` and `installation` are the test's. */
export function specOf(change: Partial<SandboxSpec> & { image: string; installation: string }): SandboxSpec {
  return {
    agent: 'alpha',
    memoryBytes: 256 * MEBIBYTE,
    cpus: 0.5,
    pids: 64,
    dataBytes: null,
    ...change,
  };
}

export const python = (program: string) => ['python3', '-u', '-c', program] as const;

/** Starts, gives it no input, reads all of its output and awaits its end. */
export async function runToEnd(
  backend: SandboxBackend,
  spec: SandboxSpec,
): Promise<{ output: string; exit: SandboxExit }> {
  const sandbox = await backend.start(spec, AbortSignal.timeout(60_000));
  sandbox.pipe.end();
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of sandbox.pipe) chunks.push(chunk);
  } catch (error) {
    // A container that a limit ends is cut off in the middle; any other is read to its end.
    if ((await sandbox.exited).cause !== 'limit') throw error;
  }
  return { output: Buffer.concat(chunks).toString('utf8'), exit: await sandbox.exited };
}

/** One line of the output, as text. */
export async function readLine(sandbox: Sandbox): Promise<string> {
  let text = '';
  for await (const chunk of sandbox.pipe.iterator({ destroyOnReturn: false })) {
    text += chunk.toString('utf8');
    const end = text.indexOf('\n');
    if (end !== -1) return text.slice(0, end);
  }
  return assert.fail(`no line before the end: ${JSON.stringify(text)}`);
}
