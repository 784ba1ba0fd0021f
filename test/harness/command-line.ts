import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
/** Debian's `nobody`: no home, no group, no capability. */
export const NOBODY = 65_534;

export interface CommandOutcome {
  code: number;
  stdout: string;
  stderr: string;
  /** Both, as a terminal shows them. */
  shown: string;
}

export interface CommandOptions {
  environment?: Record<string, string>;
  /** Standard input; empty unless given. */
  input?: string;
  /**
   * As `nobody`, in a mount namespace in which the clone is at /mnt (its own place may be closed to others).
   * `withoutEngine`: with no engine there either, neither running nor installed. Needs root.
   */
  nobody?: { withoutEngine: boolean };
  /** Told of everything shown so far, each time that something is. */
  onShown?: (shown: string, child: ChildProcess) => void;
}

/** Runs `./openlegion` as a person does, to its end, with nothing of this process's environment but the PATH. */
export function runOpenLegion(
  home: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandOutcome> {
  const { environment = {}, input = '', nobody, onShown } = options;
  const command = [`${nobody ? '/mnt' : ROOT}/openlegion`, '--home', home, ...args];
  const [program = '', ...rest] = nobody ? asNobody(command, nobody.withoutEngine) : command;
  return new Promise((done, reject) => {
    const child = spawn(program, rest, {
      cwd: '/',
      env: { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin', HOME: home, ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const outcome = { code: -1, stdout: '', stderr: '', shown: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        outcome[name] += text;
        outcome.shown += text;
        onShown?.(outcome.shown, child);
      });
    }
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.once('error', reject);
    child.once('close', (code) => done({ ...outcome, code: code ?? -1 }));
  });
}

function asNobody(command: readonly string[], withoutEngine: boolean): string[] {
  const hide = 'mount -t tmpfs tmpfs /run; [ ! -e /usr/sbin/dockerd ] || mount -t tmpfs tmpfs /usr/sbin;';
  const script = `set -e; mount --bind "$0" /mnt; ${withoutEngine ? hide : ''} exec "$@"`;
  const drop = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'];
  return ['unshare', '--mount', 'sh', '-c', script, ROOT, ...drop, ...command];
}
