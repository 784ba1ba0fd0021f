import { spawn } from 'node:child_process';
import { safeText } from './safe-text.ts';

export interface ProgramResult {
  /** Null when it could not be started or was ended by a signal. */
  code: number | null;
  /** Standard output, its last 64 KiB. */
  output: string;
  /** The last 20 lines of both streams, fit to show. */
  lastLines: string[];
}

export interface RunOptions {
  signal?: AbortSignal;
  onLine?: (line: string) => void;
  env: NodeJS.ProcessEnv;
}

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const PASSED_ON = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

/**
 * The environment of a program of the system: nothing of ours but the proxies, which package managers need to reach
 * their mirror. Variables such as `LD_PRELOAD` or `APT_CONFIG` do not pass.
 */
export function systemEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const clean: NodeJS.ProcessEnv = {
    PATH: SYSTEM_PATH,
    LANG: 'C',
    DEBIAN_FRONTEND: 'noninteractive',
    HOME: '/',
  };
  for (const name of PASSED_ON) if (env[name]) clean[name] = env[name];
  return clean;
}

/** Runs a program with an argument array and no input to its end. Does not reject. */
export function runProgram(command: readonly string[], options: RunOptions): Promise<ProgramResult> {
  const [program = '', ...args] = command;
  const { promise, resolve } = Promise.withResolvers<ProgramResult>();
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: systemEnvironment(options.env),
    ...(options.signal && { signal: options.signal }),
  });
  let output = '';
  const lines = collectLines(options.onLine);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-64 * 1024);
    lines.take(text);
  });
  child.stderr.setEncoding('utf8').on('data', lines.take);
  child.on('error', (error) => {
    lines.take(error.message);
    resolve({ code: null, output, lastLines: lines.last });
  });
  child.on('close', (code) => resolve({ code, output, lastLines: lines.last }));
  return promise;
}

/** Keeps the last 20 lines of what it is given. A line that comes in two pieces counts as two. */
export function collectLines(onLine: (line: string) => void = () => {}): {
  take(text: string): void;
  last: string[];
} {
  const last: string[] = [];
  return {
    last,
    take(text) {
      for (const part of text.split(/[\r\n]+/)) {
        const line = safeText(part, 300);
        if (line === '') continue;
        last.push(line);
        if (last.length > 20) last.shift();
        onLine(line);
      }
    },
  };
}
