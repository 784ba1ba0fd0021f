import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { SKILL_LIMITS } from './skill-limits.ts';

const OUTPUT_BYTES = 32 * 1024 * 1024;
const ERROR_CHARS = 2000;
const LOOK_MS = 200;
const PASSED_ON = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTPS_PROXY', 'NO_PROXY'];

/**
 * Settings that stand whatever is configured anywhere: https alone, no redirect to elsewhere, nobody is asked for a
 * password, no hook, helper or monitor runs, and every object is checked as it comes in.
 */
const SETTINGS = [
  'protocol.allow=never',
  'protocol.https.allow=always',
  'http.followRedirects=false',
  'http.lowSpeedLimit=1000',
  'http.lowSpeedTime=30',
  'credential.helper=',
  'core.askPass=/bin/false',
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.symlinks=false',
  'transfer.fsckObjects=true',
  'fetch.recurseSubmodules=false',
  'submodule.recurse=false',
  'gc.auto=0',
  'maintenance.auto=false',
];

export interface GitRun {
  code: number | null;
  output: Buffer;
  /** The end of what it said on standard error. */
  errors: string;
  /** Why we ended it; null when it ended by itself. */
  cut: string | null;
}

/** For tests: a server of their own, with a certificate of their own. */
export interface GitPlace {
  directory: string;
  environment: NodeJS.ProcessEnv;
  trust?: string;
}

/**
 * Runs git in a directory of our own, with none of the machine's or the person's configuration. Ended when it takes
 * longer, says more or writes more than the limits.
 */
export async function runGit(place: GitPlace, args: readonly string[], input = ''): Promise<GitRun> {
  const child = spawn('git', [...SETTINGS.flatMap((setting) => ['-c', setting]), ...args], {
    cwd: place.directory,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: gitEnvironment(place),
  });
  let cut: string | null = null;
  const end = (why: string) => {
    cut ??= why;
    child.kill('SIGKILL');
  };
  const late = setTimeout(
    () => end(`it took longer than ${SKILL_LIMITS.fetchMs / 1000} s`),
    SKILL_LIMITS.fetchMs,
  );
  const look = setInterval(() => {
    bytesBelow(place.directory).then(
      (bytes) =>
        bytes > SKILL_LIMITS.fetchBytes &&
        end(`it is larger than ${SKILL_LIMITS.fetchBytes / 1024 / 1024} MiB`),
      () => {},
    );
  }, LOOK_MS);
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > OUTPUT_BYTES) end('it says too much');
    else chunks.push(chunk);
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString('utf8')).slice(-ERROR_CHARS);
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  try {
    const [code] = await once(child, 'close');
    return { code, output: Buffer.concat(chunks), errors, cut };
  } catch (error) {
    return { code: null, output: Buffer.alloc(0), errors: String(error), cut };
  } finally {
    clearTimeout(late);
    clearInterval(look);
  }
}

function gitEnvironment({ directory, environment, trust }: GitPlace): NodeJS.ProcessEnv {
  const clean: NodeJS.ProcessEnv = {
    PATH: environment.PATH ?? '/usr/local/bin:/usr/bin:/bin',
    HOME: directory,
    XDG_CONFIG_HOME: directory,
    LANG: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_ALLOW_PROTOCOL: 'https',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    SSH_ASKPASS: '/bin/false',
    GIT_SSH_COMMAND: '/bin/false',
    GIT_CEILING_DIRECTORIES: directory,
    GIT_NO_LAZY_FETCH: '1',
    GIT_LFS_SKIP_SMUDGE: '1',
    ...(trust === undefined ? {} : { GIT_SSL_CAINFO: trust }),
  };
  for (const name of PASSED_ON) if (environment[name]) clean[name] = environment[name];
  return clean;
}

async function bytesBelow(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries.map(async (entry) => {
      if (!entry.isFile()) return 0;
      return (await stat(`${entry.parentPath}/${entry.name}`).catch(() => null))?.size ?? 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
