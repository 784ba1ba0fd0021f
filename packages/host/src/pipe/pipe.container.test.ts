import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { prepareSandboxes } from '../fleet/prepare-sandboxes.ts';
import type { Sandbox, SandboxBackend } from '../sandbox/sandbox-backend.ts';
import { connectPipe, connectPipeWithin } from './connect-pipe.ts';
import { type MeshHandler, PIPE_LIMITS } from './pipe.ts';

const MEBIBYTE = 1024 * 1024;
const INSTALLATION = 'pipetest';
const silent: MeshHandler = () => new Promise(() => {});
const over = new AbortController();
let directory: string;
let backend: SandboxBackend;
let image: string;

before(async () => {
  directory = await mkdtemp(`${tmpdir()}/openlegion-pipe-`);
  ({ backend, image } = await prepareSandboxes({
    environment: process.env,
    installation: INSTALLATION,
    volumesDirectory: `${directory}/volumes`,
    sandbox: false,
    log: () => {},
    signal: over.signal,
  }));
});
after(async () => {
  assert.equal(await backend.removeLeftovers(INSTALLATION), 0, 'a sandbox was left behind');
  await rm(directory, { recursive: true, force: true });
});

function start(mode: string): Promise<Sandbox> {
  return backend.start(
    {
      installation: INSTALLATION,
      agent: `pipe-${mode}`,
      image,
      command: ['node', '/opt/openlegion/probe.js', mode],
      memoryBytes: 384 * MEBIBYTE,
      cpus: 1,
      pids: 256,
      dataBytes: null,
    },
    over.signal,
  );
}

for (const mode of [
  'garbage',
  'http1',
  'half-frame',
  'silent',
  'exit-at-once',
  'stdout-flood',
  'stderr-flood',
]) {
  test(`${mode}: no pipe opens, and its sandbox can be ended`, async () => {
    const sandbox = await start(mode);
    const times = { ...PIPE_LIMITS, handshakeTimeoutMs: 4000 };
    await assert.rejects(connectPipeWithin(times, { bytes: sandbox.pipe, handle: silent }), {
      code: 'unavailable',
    });
    await sandbox.stop(0);
    await sandbox.exited;
  });
}

for (const mode of ['ping-flood', 'settings-flood', 'rst-flood', 'continuation-flood']) {
  test(`${mode}: ends its own pipe as protocol while a neighbour is served`, async () => {
    const [neighbour, hostile] = [await start('serve'), await start(mode)];
    const served = await connectPipe({ bytes: neighbour.pipe, handle: silent });
    // Fast enough a flood is over before the second session stands: then there never was a pipe.
    const ended = await connectPipe({ bytes: hostile.pipe, handle: silent }).then(
      async (pipe) => (await pipe.closed).cause,
      (error) => error.code,
    );
    assert.ok(['protocol', 'unavailable'].includes(ended), ended);
    assert.equal((await served.request({ method: 'GET', path: '/status' })).status, 200);
    served.close('done');
    await Promise.all([hostile.stop(0), neighbour.stop(0)]);
  });
}

test('sixty-four requests whose bodies never end, unread: under 64 MB more', async () => {
  const sandbox = await start('unread-streams');
  let open = 0;
  const all = Promise.withResolvers<void>();
  const before = process.memoryUsage.rss();
  const pipe = await connectPipe({
    bytes: sandbox.pipe,
    handle: (request) => {
      open += 1;
      if (open === 64) all.resolve();
      // Taken out of the window, but not read: the most that a handler can be made to hold.
      request.stream.pause();
      return new Promise(() => {});
    },
  });
  await all.promise;
  await sandbox.stats();
  await sandbox.stats();
  const grown = process.memoryUsage.rss() - before;
  assert.ok(grown < 64 * MEBIBYTE, `${Math.round(grown / MEBIBYTE)} MB`);
  pipe.close('done');
  await sandbox.stop(0);
});

test('a request fed byte by byte holds nothing up', async () => {
  const sandbox = await start('slow-loris');
  const arrived = Promise.withResolvers<string>();
  const pipe = await connectPipe({
    bytes: sandbox.pipe,
    handle: ({ path }) => {
      arrived.resolve(path);
      return new Promise(() => {});
    },
  });
  assert.equal(await arrived.promise, '/x');
  pipe.close('done');
  await sandbox.stop(0);
});
