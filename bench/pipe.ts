import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Pipe } from '../packages/host/src/pipe/pipe.ts';
import { startBenchContainer } from './bench-container.ts';
import { benchEngine } from './bench-engine.ts';
import { type Bench, byTurns, type Figure, figure, median, quantile, timed } from './measure.ts';

const ECHO = Buffer.alloc(512, 'e');
const THROUGHPUT_BYTES = 64 * 1024 * 1024;

/** The pipe beside HTTP/2 over a Unix socket mounted into the same container: the same code, another transport. */
export const benchPipe: Bench = async ({ image, effort, progress }) => {
  const directory = mkdtempSync(join(tmpdir(), 'openlegion-bench-'));
  chmodSync(directory, 0o777);
  const engine = await benchEngine();
  try {
    // No processor limit: it would be the limit that is measured.
    await using container = await startBenchContainer({
      engine,
      image,
      mount: directory,
      // Takes an upload and never reads it.
      handle: async ({ stream }) => stream.respond({ ':status': 200 }),
    });
    // First, while this process has nothing else to hold.
    progress('50 streams that are not read');
    const memory = await unreadStreams(container.pipe);
    const peer = await connectPeer(join(directory, 'peer.sock'));
    const figures: Figure[] = [memory];

    progress('round trips');
    const echo = await byTurns(
      Math.round(400 * effort),
      () => timed(() => pipeEcho(container.pipe)),
      () => timed(() => peerEcho(peer)),
    );
    for (const [what, at] of [
      ['round trip, median', 0.5],
      ['round trip, 95 of 100', 0.95],
    ] as const)
      figures.push(
        figure({
          bench: 'pipe',
          what,
          unit: 'ms',
          value: quantile(echo.one, at),
          peer: { what: 'mounted Unix socket', value: quantile(echo.other, at) },
          bound: null,
        }),
      );

    progress('throughput');
    const bytes = await byTurns(
      Math.max(1, Math.round(3 * effort)),
      () => rate(() => drain(container.pipe)),
      () => rate(() => drainPeer(peer)),
    );
    figures.push(
      figure({
        bench: 'pipe',
        what: 'throughput to the host, small windows',
        unit: 'MB/s',
        value: median(bytes.one),
        peer: { what: 'mounted Unix socket, 16 MB windows', value: median(bytes.other) },
        bound: { of: 'value', least: 20 },
      }),
    );
    peer.close();
    return figures;
  } finally {
    engine.close();
    rmSync(directory, { recursive: true, force: true });
  }
};

async function pipeEcho(pipe: Pipe): Promise<void> {
  const response = await pipe.request({ method: 'POST', path: '/echo', body: ECHO });
  await response.text();
}

async function drain(pipe: Pipe): Promise<void> {
  const response = await pipe.request({
    method: 'GET',
    path: `/bytes?n=${THROUGHPUT_BYTES}`,
    maxBodyBytes: 2 * THROUGHPUT_BYTES,
  });
  for await (const _ of response.body);
}

async function connectPeer(path: string): Promise<ClientHttp2Session> {
  const session = connect('http://peer', {
    createConnection: () => createConnection(path),
    settings: { initialWindowSize: 16 * 1024 * 1024, enablePush: false },
  });
  await new Promise<void>((resolve, reject) => {
    session.once('remoteSettings', () => resolve());
    session.once('error', reject);
  });
  session.setLocalWindowSize(16 * 1024 * 1024);
  return session;
}

async function peerEcho(session: ClientHttp2Session): Promise<void> {
  const stream = session.request({ ':method': 'POST', ':path': '/echo' });
  stream.end(ECHO);
  await buffer(stream);
}

async function drainPeer(session: ClientHttp2Session): Promise<void> {
  for await (const _ of session.request({ ':path': `/bytes?n=${THROUGHPUT_BYTES}` }));
}

/** Megabytes a second. */
async function rate(run: () => Promise<void>): Promise<number> {
  return THROUGHPUT_BYTES / 1_000_000 / ((await timed(run)) / 1000);
}

/**
 * What this process, the host's end, grows by while it does not read 50 answers of an agent, nor 50 bodies that the
 * agent sends to the mesh.
 */
async function unreadStreams(pipe: Pipe): Promise<Figure> {
  const before = await settledMemoryBytes();
  const uploads = await pipe.request({ method: 'POST', path: '/uploads', body: '50' });
  const answers = await Promise.all(
    Array.from({ length: 50 }, () =>
      pipe.request({
        method: 'GET',
        path: `/bytes?n=${THROUGHPUT_BYTES}`,
        maxBodyBytes: 2 * THROUGHPUT_BYTES,
      }),
    ),
  );
  const during = await settledMemoryBytes();
  for (const { body } of [uploads, ...answers]) {
    body.on('error', () => {});
    body.destroy();
  }
  return figure({
    bench: 'pipe',
    what: 'host memory while 100 streams of an agent are not read',
    unit: 'MB',
    value: during / 1_000_000,
    peer: { what: 'before', value: before / 1_000_000 },
    bound: { of: 'more', most: 64 },
  });
}

/** Resident bytes of this process once they have stopped growing for half a second. */
async function settledMemoryBytes(): Promise<number> {
  let most = 0;
  for (let still = 0; still < 5; ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const bytes = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
    still = bytes > most + 1_000_000 ? 0 : still + 1;
    most = Math.max(most, bytes);
  }
  return most;
}
