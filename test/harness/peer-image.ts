import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createEngineClient, type EngineClient } from '../../packages/host/src/engine/engine-client.ts';
import { findEngine } from '../../packages/host/src/engine/find-engine.ts';

/** Outside of the repository: peers are no part of it, and are large. */
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'openlegion-test');
const PEERS = join(import.meta.dirname, '../peers');
const INSTALL_MS = 5 * 60_000;
/** Of the packages that only other machines use, and of what no test starts. */
const LEFT_OUT = ['*-baseline', 'codex-voice-host'];

const npm = createRequire(import.meta.url).resolve('npm/package.json');

/** What installs a peer's packages in the directory that is its build's context. */
const INSTALLERS = {
  agents: [
    process.execPath,
    join(dirname(npm), 'bin/npm-cli.js'),
    // Not `ci`: packages for other machines that the registry does not have yet are no reason to stop.
    'install',
    '--no-save',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
  ],
  python: [
    ...['python3', '-m', 'pip', 'install', '--quiet', '--no-deps', '--no-compile', '--target', 'lib'],
    ...['--python-version', '3.11', '--only-binary', ':all:'],
    ...['manylinux2014', 'manylinux_2_17', 'manylinux_2_28'].flatMap((platform) => [
      '--platform',
      `${platform}_${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}`,
    ]),
    ...['-r', 'requirements.txt'],
  ],
} as const;

/**
 * An image with public agent programs, as a person would make one: packages of the registry at pinned versions, in
 * Debian without anything of ours. Named by all that goes into it; built where it is missing.
 */
export async function ensurePeerImage(peer: keyof typeof INSTALLERS): Promise<string> {
  const search = await findEngine({ env: process.env });
  if (!search.found) throw new Error(search.refusal.message);
  const engine = await createEngineClient(search.address);
  try {
    const base = await newestBase(engine);
    const source = join(PEERS, peer);
    const hash = createHash('sha256').update(base);
    for (const name of readdirSync(source).toSorted())
      hash.update(name).update(readFileSync(join(source, name)));
    const version = hash.digest('hex').slice(0, 16);
    const image = `openlegion-test-${peer}:${version}`;
    if (await engine.inspectImage(image)) return image;
    const context = install(peer, source, version);
    const dockerfile = `FROM ${base}\n${readFileSync(join(source, 'Dockerfile'), 'utf8')}`;
    writeFileSync(join(context, 'Dockerfile'), dockerfile);
    const tar = spawn('tar', ['-c', ...LEFT_OUT.map((name) => `--exclude=${name}`), '-C', context, '.'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const built = await engine.buildImage({
      tag: image,
      tar: tar.stdout,
      labels: { 'openlegion-test': '1' },
      network: 'none',
      signal: AbortSignal.timeout(INSTALL_MS),
      onLine: () => {},
    });
    if (built.error !== null) throw new Error(`${built.error}\n${built.lastLines.join('\n')}`);
    return image;
  } finally {
    engine.close();
  }
}

/** Debian alone: what the agents' own image is made of. */
async function newestBase(engine: EngineClient): Promise<string> {
  const images = await engine.listImages('openlegion=1');
  const bases = images
    .toSorted((a, b) => b.Created - a.Created)
    .flatMap((image) => image.RepoTags.filter((tag) => tag.startsWith('openlegion-base:')));
  const [base] = bases;
  if (base === undefined) throw new Error('the base of the agents’ image is not there yet');
  return base;
}

function install(peer: keyof typeof INSTALLERS, source: string, version: string): string {
  const directory = join(CACHE, `${peer}-${version}`);
  if (existsSync(directory)) return directory;
  const making = `${directory}.${process.pid}`;
  mkdirSync(CACHE, { recursive: true });
  cpSync(source, making, { recursive: true });
  const [command = '', ...args] = INSTALLERS[peer];
  const done = spawnSync(command, args, { cwd: making, encoding: 'utf8', timeout: INSTALL_MS });
  if (done.status !== 0) {
    rmSync(making, { recursive: true });
    throw new Error(`${peer} could not be installed: ${done.error?.message ?? done.stderr.slice(-2000)}`);
  }
  renameSync(making, directory);
  return directory;
}
