import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { DBOS_PROGRAM, OPENWORKFLOW_PROGRAM } from './peer-programs.ts';

/** Another engine that runs a chain of steps. */
export interface WorkflowPeer extends Disposable {
  name: string;
  /** Milliseconds of one run. Throws with what it said where it fails. */
  run(steps: number): Promise<number>;
}

export interface MissingPeer {
  name: string;
  missing: string;
}

const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'openlegion-bench');
const INSTALL_MS = 5 * 60_000;
const RUN_MS = 5 * 60_000;

/** OpenWorkflow, on a SQLite file of its own for each run. */
export function openworkflowPeer(progress: (text: string) => void): WorkflowPeer | MissingPeer {
  const name = 'OpenWorkflow 0.10.1 on SQLite';
  const directory = join(CACHE, 'openworkflow');
  const missing = installed(directory, 'openworkflow@0.10.1', OPENWORKFLOW_PROGRAM, progress);
  if (missing !== null) return { name, missing };
  return {
    name,
    async run(steps) {
      const data = mkdtempSync(join(tmpdir(), 'openlegion-openworkflow-'));
      try {
        return measured(directory, [String(steps), join(data, 'chain.db')]);
      } finally {
        rmSync(data, { recursive: true, force: true });
      }
    },
    [Symbol.dispose]: () => {},
  };
}

/** DBOS, on a PostgreSQL of Debian's that is started for it, as it is configured by itself. */
export function dbosPeer(progress: (text: string) => void): WorkflowPeer | MissingPeer {
  const name = 'DBOS 5.3.0 on PostgreSQL';
  const programs = postgresPrograms();
  if (programs === null) return { name, missing: 'there is no PostgreSQL in /usr/lib/postgresql' };
  const directory = join(CACHE, 'dbos');
  const missing = installed(directory, '@dbos-inc/dbos-sdk@5.3.0', DBOS_PROGRAM, progress);
  if (missing !== null) return { name, missing };
  const server = startPostgres(programs);
  if ('missing' in server) return { name, missing: server.missing };
  let runs = 0;
  return {
    name,
    // A database of its own for each run, as the others have.
    async run(steps) {
      runs += 1;
      return measured(directory, [String(steps), `${server.url}/dbos_${runs}`]);
    },
    [Symbol.dispose]: server.stop,
  };
}

function postgresPrograms(): string | null {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions
    .map((version) => join(root, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')));
  return found ?? null;
}

/** On a port of loopback; it refuses to be root's, so then it is `postgres`'s. */
function startPostgres(programs: string): { url: string; stop(): void } | { missing: string } {
  const data = mkdtempSync(join(tmpdir(), 'openlegion-postgres-'));
  const root = userInfo().uid === 0;
  if (root) {
    const ids = spawnSync('id', ['-u', 'postgres'], { encoding: 'utf8' });
    if (ids.status !== 0) return { missing: 'there is no user postgres' };
    chownSync(data, Number(ids.stdout), -1);
  }
  const as = (program: string, ...options: string[]) =>
    root
      ? spawnSync(
          'setpriv',
          [
            '--reuid=postgres',
            '--regid=postgres',
            '--clear-groups',
            '--',
            join(programs, program),
            ...options,
          ],
          { encoding: 'utf8', cwd: '/' },
        )
      : spawnSync(join(programs, program), options, { encoding: 'utf8', cwd: '/' });
  const port = 20_000 + (process.pid % 20_000);
  const made = as('initdb', '-D', data, '-U', 'bench', '--auth=trust', '--no-instructions');
  if (made.status !== 0) return { missing: `initdb: ${made.stderr.trim().split('\n').at(-1)}` };
  const settings = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${data}`;
  const started = as('pg_ctl', '-D', data, '-w', '-l', join(data, 'log'), '-o', settings, 'start');
  const stop = () => {
    as('pg_ctl', '-D', data, '-w', '-m', 'immediate', 'stop');
    rmSync(data, { recursive: true, force: true });
  };
  if (started.status === 0) return { url: `postgresql://bench@127.0.0.1:${port}`, stop };
  stop();
  return { missing: `pg_ctl: ${(started.stderr || started.stdout).trim().split('\n').at(-1)}` };
}

/** Null when the package is there with its program; otherwise why not. */
function installed(
  directory: string,
  packageAndVersion: string,
  program: string,
  progress: (text: string) => void,
): string | null {
  mkdirSync(directory, { recursive: true });
  const marker = join(directory, `installed-${packageAndVersion.replaceAll(/[^a-z0-9.]/gi, '_')}`);
  if (!existsSync(marker)) {
    progress(`installing ${packageAndVersion} in ${directory}`);
    writeFileSync(join(directory, 'package.json'), '{ "private": true, "type": "module" }\n');
    const options = [
      'install',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--save-exact',
      packageAndVersion,
    ];
    const done = spawnSync('npm', options, { cwd: directory, encoding: 'utf8', timeout: INSTALL_MS });
    if (done.status !== 0)
      return `npm install failed: ${(done.error?.message ?? done.stderr).trim().split('\n').at(-1)?.slice(0, 300)}`;
    writeFileSync(marker, '');
  }
  writeFileSync(join(directory, 'chain.mjs'), program);
  return null;
}

function measured(directory: string, options: string[]): number {
  const done = spawnSync(process.execPath, ['chain.mjs', ...options], {
    ...{ cwd: directory, encoding: 'utf8', timeout: RUN_MS },
    env: { PATH: process.env.PATH, HOME: directory, NODE_ENV: 'production' },
  });
  const lines = done.stdout.trim().split('\n');
  const ms = Number(lines.findLast((line) => /^[\d.]+$/.test(line)));
  if (done.status === 0 && Number.isFinite(ms)) return ms;
  throw new Error(`${directory}: ${(done.stderr || done.stdout).trim().slice(-500)}`);
}
