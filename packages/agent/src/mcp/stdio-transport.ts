import { type ChildProcess, spawn } from 'node:child_process';
import {
  deserializeMessage,
  type JSONRPCMessage,
  serializeMessage,
  type Transport,
} from '@modelcontextprotocol/client';
import { jsonDepthExceeds } from './json-depth.ts';

/** One message: a line. What a tool gives back is in it. */
export const LINE_BYTES = 4 * 1024 * 1024;
/** Lines that are no message: some servers greet on standard output. */
const MAX_GARBAGE_LINES = 200;
/** What walks a message later must not run out of stack. */
const MAX_DEPTH = 200;
const STDERR_CHARS = 2000;
const END_MS = 1000;

/**
 * A server as a program of this container, spoken to by its standard input and output. Ended, with all it started,
 * when a line is longer than 4 MiB or nested too deep, or it prints more than 200 lines that are no messages;
 * `failure` then says so.
 */
export interface StdioTransport extends Transport {
  /** Why it ended, with the end of what it wrote on standard error; null while it runs. */
  failure(): string | null;
}

export function createStdioTransport(options: {
  command: string;
  args: readonly string[];
  environment: NodeJS.ProcessEnv;
  directory: string;
}): StdioTransport {
  let child: ChildProcess | undefined;
  let failure: string | null = null;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let garbage = 0;
  let complaint = '';

  const fail = (why: string): void => {
    failure ??= why;
    killGroup(child);
  };
  const takeLine = (line: string): void => {
    const text = line.trim();
    if (text === '') return;
    if (jsonDepthExceeds(text, MAX_DEPTH)) {
      fail(`it sent a message nested more than ${MAX_DEPTH} deep`);
      return;
    }
    const message = parseMessage(text);
    if (message !== null) {
      transport.onmessage?.(message);
      return;
    }
    garbage += 1;
    if (garbage > MAX_GARBAGE_LINES)
      fail(`it printed more than ${MAX_GARBAGE_LINES} lines that are no messages`);
  };
  const take = (chunk: Buffer): void => {
    let from = 0;
    for (;;) {
      if (failure !== null) return;
      const end = chunk.indexOf(10, from);
      const piece = end === -1 ? chunk.subarray(from) : chunk.subarray(from, end);
      heldBytes += piece.length;
      if (heldBytes > LINE_BYTES) {
        fail(`it sent a line of more than ${LINE_BYTES / 1024 / 1024} MiB`);
        return;
      }
      held.push(piece);
      if (end === -1) return;
      const line = Buffer.concat(held).toString('utf8');
      held = [];
      heldBytes = 0;
      takeLine(line);
      from = end + 1;
    }
  };

  const transport: StdioTransport = {
    start: () =>
      new Promise((resolve, reject) => {
        child = spawn(options.command, [...options.args], {
          cwd: options.directory,
          env: options.environment,
          detached: true,
          stdio: ['pipe', 'pipe', 'pipe'],
        });
        child.once('spawn', () => resolve());
        child.once('error', (error) => {
          failure ??= `it could not be started: ${error.message}`;
          reject(new Error(failure));
        });
        child.once('exit', (code, signal) => {
          failure ??= `it ended ${signal === null ? `with code ${code}` : `by ${signal}`}${complaint === '' ? '' : `: ${complaint.trim()}`}`;
          killGroup(child);
          transport.onclose?.();
        });
        child.stdin?.on('error', (error) => transport.onerror?.(error));
        child.stdout?.on('data', take);
        child.stderr?.on('data', (chunk: Buffer) => {
          complaint = (complaint + chunk.toString('utf8')).slice(-STDERR_CHARS);
        });
      }),
    async send(message) {
      if (child?.stdin?.writable !== true || failure !== null) throw new Error(failure ?? 'it does not run');
      child.stdin.write(serializeMessage(message));
    },
    async close() {
      const running = child;
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
      failure ??= 'it was ended';
      // The end of its input asks it to end; what does not heed that is ended.
      running.stdin?.end();
      const late = setTimeout(() => killGroup(running), END_MS);
      await new Promise((resolve) => running.once('exit', resolve));
      clearTimeout(late);
    },
    failure: () => failure,
  };
  return transport;
}

function parseMessage(line: string): JSONRPCMessage | null {
  if (!line.startsWith('{')) return null;
  try {
    return deserializeMessage(line);
  } catch {
    return null;
  }
}

function killGroup(child: ChildProcess | undefined): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
