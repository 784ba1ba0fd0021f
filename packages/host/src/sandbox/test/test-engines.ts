import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createEngineClient, type EngineClient } from '../../engine/engine-client.ts';
import { createEngineTransport } from '../../engine/engine-transport.ts';
import { findEngine } from '../../engine/find-engine.ts';
import { runProgram } from '../../engine/run-program.ts';
import { ensureImage } from '../../image/ensure-image.ts';

/** An engine for the contract suite, with the image in it. */
export interface TestEngine {
  engine: EngineClient;
  image: string;
  /** A directory of this test's own. */
  directory: string;
  close(): Promise<void>;
}

const STUB = 'process.stdin.resume();\n';

/** The machine's engine, with an image like the agents' in which a stub takes the agent's place. */
export async function openMachineEngine(): Promise<TestEngine> {
  const search = await findEngine({ env: process.env });
  assert.ok(search.found, search.found ? '' : search.refusal.message);
  const engine = await createEngineClient(search.address);
  const directory = await mkdtemp(join(tmpdir(), 'ol-engine-'));
  const stub = join(directory, 'stub.ts');
  await writeFile(stub, STUB);
  const { image } = await ensureImage({
    engine,
    signal: AbortSignal.timeout(240_000),
    onProgress: () => {},
    entries: { agent: stub, probe: stub },
  });
  return {
    engine,
    image,
    directory,
    async close() {
      engine.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A dockerd of the test's own, which knows gVisor as `runsc`. The machine's own engine is not touched. */
export async function openDockerdWithGvisor(): Promise<TestEngine> {
  const directory = await mkdtemp(join(tmpdir(), 'ol-dockerd-'));
  const config = join(directory, 'daemon.json');
  const runtimeArgs = ['--network=none', '--platform=ptrace', '--ignore-cgroups'];
  await writeFile(config, JSON.stringify({ runtimes: { runsc: { path: '/usr/bin/runsc', runtimeArgs } } }));
  const socket = join(directory, 'docker.sock');
  // In a network of its own: a second dockerd without a bridge removes the bridge of the first.
  return await openPeer(directory, socket, '/usr/bin/unshare', [
    '--net',
    '--',
    '/usr/sbin/dockerd',
    `--config-file=${config}`,
    `--data-root=${directory}/data`,
    `--exec-root=${directory}/exec`,
    `--pidfile=${directory}/docker.pid`,
    `--host=unix://${socket}`,
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    '--containerd-namespace=openlegion-test',
    '--containerd-plugins-namespace=openlegion-test-plugins',
  ]);
}

/** Podman's service with storage of the test's own. */
export async function openPodman(): Promise<TestEngine> {
  const directory = await mkdtemp(join(tmpdir(), 'ol-podman-'));
  const config = join(directory, 'containers.conf');
  await writeFile(config, '[engine]\ncgroup_manager="cgroupfs"\nruntime="runc"\nevents_logger="file"\n');
  const socket = join(directory, 'podman.sock');
  const folders = ['root', 'runroot', 'tmpdir'].map((name) => `--${name}=${directory}/${name}`);
  const args = [...folders, 'system', 'service', '--time=0', `unix://${socket}`];
  return await openPeer(directory, socket, '/usr/bin/podman', args, { CONTAINERS_CONF: config });
}

async function openPeer(
  directory: string,
  socket: string,
  program: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<TestEngine> {
  const logFile = join(directory, 'log');
  const log = openSync(logFile, 'a');
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const child = spawn(program, args, {
    stdio: ['ignore', log, log],
    env: { PATH: path, HOME: directory, ...env },
  });
  const close = async () => {
    await end(child);
    // Podman leaves its storage mounted on itself.
    await runProgram(['umount', '--lazy', `${directory}/root/overlay`], { env: {} });
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const address = { kind: 'unix', path: socket } as const;
    for (let tries = 0; !(await findEngine({ env: {}, sockets: [socket] })).found; tries++) {
      assert.ok(child.exitCode === null && tries < 300, `no engine: ${await readFile(logFile, 'utf8')}`);
      await delay(100);
    }
    const engine = await createEngineClient(address);
    const machine = await openMachineEngine();
    await copyImage(machine.engine, engine, machine.image);
    await machine.close();
    await mkdir(join(directory, 'host'));
    return {
      engine,
      image: machine.image,
      directory: join(directory, 'host'),
      async close() {
        engine.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function copyImage(from: EngineClient, to: EngineClient, image: string): Promise<void> {
  const source = createEngineTransport(from.address, `/v${from.apiVersion}`);
  const target = createEngineTransport(to.address, `/v${to.apiVersion}`);
  const tar = await source.open({
    method: 'GET',
    path: `/images/${image}/get`,
    operation: 'save image',
    idleTimeoutMs: 0,
  });
  const loaded = await target.open({
    method: 'POST',
    path: '/images/load',
    tar,
    operation: 'load image',
    idleTimeoutMs: 0,
  });
  for await (const _ of loaded);
  source.close();
  target.close();
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  // Podman's service waits long for clients that are gone; dockerd has its containerd to end.
  const patience = setTimeout(
    () => child.kill('SIGKILL'),
    child.spawnargs.includes('service') ? 3000 : 30_000,
  );
  await exited;
  clearTimeout(patience);
}
