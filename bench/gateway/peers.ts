import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { LoadOrders } from './load.ts';

/** Another gateway, running. */
export interface Peer {
  name: string;
  way: Pick<LoadOrders, 'to' | 'target' | 'headers'>;
  stop(): Promise<void>;
}

export interface MissingPeer {
  name: string;
  missing: string;
}

export interface PeerOptions {
  providerPort: number;
  key: string;
  progress: (text: string) => void;
}

/** Outside of the repository: they are no part of it, and are large. */
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'openlegion-bench');
const INSTALL_MS = 15 * 60_000;
const START_MS = 120_000;

/** `@portkey-ai/gateway` of npm, as it starts by itself. */
export async function startPortkey({
  providerPort,
  key,
  progress,
}: PeerOptions): Promise<Peer | MissingPeer> {
  const name = '@portkey-ai/gateway';
  const directory = join(CACHE, 'portkey');
  const program = join(directory, 'node_modules/@portkey-ai/gateway/build/start-server.js');
  if (!existsSync(program)) {
    progress(`installing ${name} in ${directory}`);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'package.json'), '{ "private": true }\n');
    const failed = install(
      'npm',
      ['install', '--ignore-scripts', '--no-audit', '--no-fund', name],
      directory,
    );
    if (failed !== null) return { name, missing: failed };
  }
  const port = await freePort();
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${key}`,
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `http://127.0.0.1:${providerPort}/v1`,
  };
  return started(name, port, headers, process.execPath, [program, `--port=${port}`, '--headless'], directory);
}

/** LiteLLM's proxy of PyPI, one worker, no database, logging nothing. */
export async function startLitellm({
  providerPort,
  key,
  progress,
}: PeerOptions): Promise<Peer | MissingPeer> {
  const name = 'litellm';
  const directory = join(CACHE, 'litellm');
  const program = join(directory, 'venv/bin/litellm');
  if (!existsSync(program)) {
    progress(`installing ${name} in ${directory}`);
    mkdirSync(directory, { recursive: true });
    const failed =
      install('python3', ['-m', 'venv', 'venv'], directory) ??
      install(join(directory, 'venv/bin/pip'), ['install', '--quiet', 'litellm[proxy]'], directory);
    if (failed !== null) return { name, missing: failed };
  }
  const config = join(directory, 'config.json');
  const parameters = {
    model: 'openai/gpt-4.1-mini',
    api_base: `http://127.0.0.1:${providerPort}/v1`,
    api_key: key,
  };
  // JSON is YAML.
  writeFileSync(
    config,
    JSON.stringify({
      model_list: [{ model_name: 'gpt-4.1-mini', litellm_params: parameters }],
      // Without a key of its own, which it checks: what makes it fastest.
      general_settings: { dangerously_permit_weak_or_unset_master_key: true },
    }),
  );
  const port = await freePort();
  const options = ['--config', config, '--host', '127.0.0.1', '--port', String(port), '--num_workers', '1'];
  const headers = { 'content-type': 'application/json' };
  return started(name, port, headers, program, options, directory);
}

/** Null when it worked; otherwise why it did not. */
function install(command: string, options: string[], cwd: string): string | null {
  const done = spawnSync(command, options, { cwd, encoding: 'utf8', timeout: INSTALL_MS });
  if (done.status === 0) return null;
  const why = done.error?.message ?? done.stderr.trim().split('\n').at(-1) ?? '';
  return `${command} ${options[0]} failed: ${why.slice(0, 300)}`;
}

async function started(
  name: string,
  port: number,
  headers: Record<string, string>,
  command: string,
  options: string[],
  cwd: string,
): Promise<Peer | MissingPeer> {
  const child = spawn(command, options, {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH, HOME: cwd, NODE_ENV: 'production', LITELLM_LOCAL_MODEL_COST_MAP: 'True' },
  });
  let failed = '';
  child.stderr?.on('data', (chunk) => {
    failed = (failed + String(chunk)).slice(-2000);
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'close');
  };
  if (!(await listens(port, child))) {
    await stop();
    return { name, missing: `it did not start: ${failed.trim().split('\n').at(-1)}` };
  }
  return { name, way: { to: { port }, target: '/v1/chat/completions', headers }, stop };
}

async function listens(port: number, child: ChildProcess): Promise<boolean> {
  const until = performance.now() + START_MS;
  while (performance.now() < until && child.exitCode === null) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.on('connect', () => resolve(true));
      socket.on('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return false;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
