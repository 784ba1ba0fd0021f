import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { PROGRAM_ENVIRONMENT } from '@openlegion/contract/program-environment';

const PRINTED_CHARS = 4000;
const HEAP_MB = 128;

export interface SkillProcess {
  /** Where it runs, and where relative paths of a skill lead. */
  workspace: string;
  /** Placeholders of credentials, by the variables that programs look into. */
  environment: Readonly<Record<string, string>>;
}

export interface SkillRun {
  /** What it answered, each a JSON value that nobody has looked at. */
  answers: unknown[];
  /** Why it ended before it was done; null when it ended by itself with code 0. */
  cut: string | null;
  /** The end of what it printed. */
  printed: string;
}

/**
 * Runs one order in a process of its own and waits for its end: by itself, at `timeoutMs`, at the signal, or when it
 * answers more than `maxBytes`. Whatever it started ends with it. Never rejects.
 */
export async function runSkillProcess(
  place: SkillProcess,
  order: object,
  limits: { timeoutMs: number; maxBytes: number; signal: AbortSignal },
): Promise<SkillRun> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', `--max-old-space-size=${HEAP_MB}`, runnerFile()],
    {
      cwd: place.workspace,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      env: skillEnvironment(place),
    },
  );
  let cut: string | null = null;
  const end = (why: string) => {
    cut ??= why;
    killGroup(child);
  };
  const timer = setTimeout(() => end(`it did not end within ${limits.timeoutMs / 1000} s`), limits.timeoutMs);
  const onAbort = () => end('it was given up');
  limits.signal.addEventListener('abort', onAbort, { once: true });
  if (limits.signal.aborted) onAbort();
  const printed = createTail();
  child.stdout?.on('data', printed.take);
  child.stderr?.on('data', printed.take);
  const answered = readAnswers(child, limits.maxBytes, end);
  child.stdin?.on('error', () => {});
  child.stdin?.end(JSON.stringify(order));
  try {
    const [code, killedBy] = await once(child, 'exit');
    if (code !== 0) cut ??= killedBy === null ? `it ended with code ${code}` : `it was ended by ${killedBy}`;
  } catch (error) {
    cut ??= `it could not be started: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    clearTimeout(timer);
    limits.signal.removeEventListener('abort', onAbort);
    killGroup(child);
  }
  return { answers: await answered, cut, printed: printed.text() };
}

/** In the image a file beside the agent's own, in the sources the module itself. */
function runnerFile(): string {
  for (const path of ['../skill-runner.js', './skill-runner.js', './runner/main.ts']) {
    const file = fileURLToPath(new URL(path, import.meta.url));
    if (existsSync(file)) return file;
  }
  throw new Error('the program that skills run in is not there');
}

function skillEnvironment({ workspace, environment }: SkillProcess): NodeJS.ProcessEnv {
  const { PATH = '/usr/local/bin:/usr/bin:/bin', NODE_COMPILE_CACHE } = process.env;
  return {
    ...PROGRAM_ENVIRONMENT,
    ...environment,
    ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }),
    PATH: `/data/.local/bin:${PATH}`,
    HOME: workspace,
    LANG: 'C.UTF-8',
  };
}

async function readAnswers(
  child: ChildProcess,
  maxBytes: number,
  end: (why: string) => void,
): Promise<unknown[]> {
  const stream = child.stdio[3] as Readable | null;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream ?? []) {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        end(`it answered more than ${Math.round(maxBytes / 1024)} KiB`);
        break;
      }
      chunks.push(chunk);
    }
  } catch {
    // A pipe that broke holds what came before.
  }
  return Buffer.concat(chunks).toString('utf8').split('\n').flatMap(parseLine);
}

function parseLine(line: string): unknown[] {
  if (line.trim() === '') return [];
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}

function createTail() {
  let kept = '';
  return {
    take: (chunk: Buffer) => {
      kept = (kept + chunk.toString('utf8')).slice(-PRINTED_CHARS);
    },
    text: () => kept.trim(),
  };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
