import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as wait } from 'node:timers/promises';
import { RUNTIME_LIMITS } from './runtime-limits.ts';
import { programMissing, tooMuchOutput } from './runtime-refusals.ts';

/** How a program ended. */
export interface ProgramEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A running program, the leader of a process group of its own. */
export interface Program {
  name: string;
  /** Resolves once the leader has ended. */
  exited: Promise<ProgramEnd>;
  ended(): boolean;
  /** A broken standard input is no error: the program's end says more. */
  write(text: string): void;
  endInput(): void;
  /**
   * Its standard output, no faster than it is taken; to its end, or until the leader has ended and nothing more comes.
   * Throws `runtime.output` beyond what one message may have.
   */
  output(): AsyncGenerator<Buffer, void>;
  /** A message begins: output is counted anew. */
  attend(): void;
  /** Until the next it is not what keeps this process alive. */
  rest(): void;
  /** The last that it said on standard error. */
  lastWords(): string;
  /** Asks the group to end, and kills what is left of it after one second. Resolves when the leader is gone. */
  stop(): Promise<void>;
}

/**
 * Starts `command` without a shell. Rejects with `runtime.command` where that cannot be. Whatever the group left
 * running is killed once the leader has ended; all of it when this process ends.
 */
export async function startProgram(options: {
  command: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
}): Promise<Program> {
  const [file = '', ...args] = options.command;
  let child: ChildProcess;
  try {
    child = spawn(file, args, {
      cwd: options.cwd,
      env: { ...options.env },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
  } catch (error) {
    throw programMissing(file, error);
  }
  return watch(child, file);
}

function watch(child: ChildProcess, name: string): Program {
  const { stdin, stdout, stderr, pid } = child;
  if (!stdin || !stdout || !stderr || pid === undefined) throw programMissing(name, undefined);
  const decoder = new StringDecoder('utf8');
  let words = '';
  let over = false;
  let bytes = 0;
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  };
  const killAtEnd = () => signalGroup('SIGKILL');
  process.once('exit', killAtEnd);
  stdin.on('error', () => {});
  stdout.on('error', () => {});
  stderr.on('error', () => {});
  stderr.on('data', (chunk: Buffer) => {
    words = (words + decoder.write(chunk)).slice(-RUNTIME_LIMITS.errorChars);
  });
  const exited = new Promise<ProgramEnd>((resolve) => {
    child.once('exit', (code, signal) => {
      over = true;
      process.off('exit', killAtEnd);
      resolve({ code, signal });
    });
  });
  // What it left running goes, once that had the time for its last words.
  let swept = false;
  /** Once, and soon after the leader's end: its number may be another's by and by. */
  const sweep = () => {
    if (!swept) signalGroup('SIGKILL');
    swept = true;
  };
  void exited.then(() => wait(RUNTIME_LIMITS.drainMs)).then(sweep);

  /** Until something can be read, the output or the program is over, or nothing more comes of one that is over. */
  const moved = async (): Promise<boolean> => {
    const move = Promise.withResolvers<true>();
    const onMove = () => move.resolve(true);
    for (const event of ['readable', 'end', 'close']) stdout.once(event, onMove);
    if (!over) child.once('exit', onMove);
    const waited = new AbortController();
    try {
      if (!over) return await move.promise;
      const late = wait(2 * RUNTIME_LIMITS.drainMs, false, { signal: waited.signal });
      return await Promise.race([move.promise, late.catch(() => false)]);
    } finally {
      waited.abort();
      for (const event of ['readable', 'end', 'close']) stdout.off(event, onMove);
      child.off('exit', onMove);
    }
  };

  return {
    name,
    exited,
    ended: () => over,
    write: (text) => void stdin.write(text),
    endInput: () => void stdin.end(),
    async *output() {
      for (;;) {
        const chunk: Buffer | null = stdout.read();
        if (chunk !== null) {
          bytes += chunk.length;
          if (bytes > RUNTIME_LIMITS.outputBytes) {
            throw tooMuchOutput(name, RUNTIME_LIMITS.outputBytes / 1024 / 1024);
          }
          yield chunk;
          continue;
        }
        if (stdout.readableEnded || stdout.destroyed) return;
        if (await moved()) continue;
        stdout.destroy();
        return;
      }
    },
    attend() {
      bytes = 0;
      child.ref();
      for (const stream of [stdin, stdout, stderr]) if (stream instanceof Socket) stream.ref();
    },
    rest() {
      child.unref();
      for (const stream of [stdin, stdout, stderr]) if (stream instanceof Socket) stream.unref();
    },
    lastWords: () => words,
    async stop() {
      if (over) return sweep();
      signalGroup('SIGTERM');
      const late = new AbortController();
      const kill = wait(RUNTIME_LIMITS.stopMs, undefined, { signal: late.signal }).then(
        () => signalGroup('SIGKILL'),
        () => {},
      );
      await exited;
      late.abort();
      await kill;
      sweep();
    },
  };
}
