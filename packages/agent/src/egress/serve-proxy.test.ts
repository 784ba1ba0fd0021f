import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { RefusalBody } from '@openlegion/contract/refusal';
import { type MeshSession, meshSession } from '../testing/mesh-session.ts';
import { serveProxy } from './serve-proxy.ts';

interface Rig extends AsyncDisposable {
  mesh: MeshSession;
  open(): Promise<Socket>;
  /** What a connection is told before it says anything. */
  ask(): Promise<string>;
}

async function rig(onStream: (stream: ServerHttp2Stream) => void): Promise<Rig> {
  const mesh = await meshSession(onStream);
  const server = await serveProxy(mesh.dial, 0);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const opened: Socket[] = [];
  const open = async () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {});
    opened.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  return {
    mesh,
    open,
    ask: async () => {
      const socket = await open();
      const told = await text(socket);
      socket.destroy();
      return told;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of opened) socket.destroy();
      await mesh[Symbol.asyncDispose]();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const accept = (stream: ServerHttp2Stream) => stream.respond({ ':status': 200 });

/** What was read until the end, and whether that was one. */
async function readToEnd(socket: Socket): Promise<{ text: string; whole: boolean }> {
  let read = '';
  let whole = false;
  socket.setEncoding('utf8').on('data', (chunk) => {
    read += chunk;
  });
  socket.on('end', () => {
    whole = true;
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return { text: read, whole };
}

test('carries bytes both ways as they are, and either side may end its half alone', async () => {
  let asked = '';
  await using it = await rig(async (stream) => {
    accept(stream);
    asked = await text(stream);
    stream.end(asked.toUpperCase());
  });
  const socket = await it.open();
  const sent = 'GET gopher://not-read HTTP/9 \u0000\r\n'.repeat(50_000);
  socket.end(sent);
  assert.equal((await text(socket)) === sent.toUpperCase(), true);
  assert.equal(asked.length, sent.length);
});

test('what a program says before the mesh has answered is kept for it', async () => {
  const streams: ServerHttp2Stream[] = [];
  const arrived = Promise.withResolvers<void>();
  await using it = await rig((stream) => {
    streams.push(stream);
    arrived.resolve();
  });
  const socket = await it.open();
  socket.end('early');
  await arrived.promise;
  const [stream] = streams;
  assert.ok(stream);
  accept(stream);
  assert.equal(await text(stream), 'early');
  stream.end();
  assert.equal(await text(socket), '');
});

test('a refusal of the mesh is shown as a proxy would show it', async () => {
  const refusal = { code: 'rate_limited', rule: 'egress.connections', message: 'Too many.', remedy: 'Wait.' };
  await using it = await rig((stream) => {
    stream.respond({ ':status': 429 });
    stream.end(JSON.stringify({ type: 'error', error: { type: 'openlegion_refusal', ...refusal } }));
  });
  const socket = await it.open();
  socket.write('CONNECT example.com:443 HTTP/1.1\r\n\r\n');
  const [head, body] = (await text(socket)).split('\r\n\r\n');
  assert.match(head ?? '', /^HTTP\/1\.1 429 /);
  assert.equal(RefusalBody.parse(JSON.parse(body ?? '')).error.rule, 'egress.connections');
});

test('a connection that the mesh cuts off is cut off, never ended', async () => {
  await using it = await rig((stream) => {
    accept(stream);
    stream.once('data', () => {
      stream.write('half of an ans');
      setImmediate(() => stream.destroy(new Error('cut')));
    });
  });
  const socket = await it.open();
  socket.write('ask');
  assert.equal((await readToEnd(socket)).whole, false);
});

test('a program that goes away in the middle takes its connection along, not as an end', async () => {
  const code = Promise.withResolvers<number>();
  let ended = false;
  await using it = await rig((stream) => {
    accept(stream);
    stream.on('data', () => socket.resetAndDestroy());
    stream.on('end', () => {
      ended = stream.rstCode === constants.NGHTTP2_NO_ERROR;
    });
    stream.on('close', () => code.resolve(stream.rstCode ?? 0));
  });
  const socket = await it.open();
  socket.write('half of a requ');
  assert.notEqual(await code.promise, constants.NGHTTP2_NO_ERROR);
  assert.equal(ended, false);
});

test('a pipe that breaks cuts what is open, and answers what comes after it', async () => {
  await using it = await rig((stream) => {
    accept(stream);
    stream.write('begun');
  });
  const socket = await it.open();
  await once(socket, 'data');
  it.mesh.cut();
  assert.equal((await readToEnd(socket)).whole, false);
  assert.match(await it.ask(), /^HTTP\/1\.1 503 [\s\S]*egress\.pipe/);
});

test('the 49th connection is refused; when one has ended there is room again', async () => {
  await using it = await rig((stream) => {
    accept(stream);
    stream.write('in');
    stream.on('end', () => stream.end());
    stream.resume();
  });
  const open = await Promise.all(Array.from({ length: 48 }, () => it.open()));
  await Promise.all(open.map((socket) => once(socket, 'data')));
  assert.match(await it.ask(), /^HTTP\/1\.1 429 [\s\S]*egress\.connections/);
  const [first] = open;
  first?.end();
  first?.resume();
  assert.ok(first);
  await once(first, 'close');
  // The helper's own side of it may close a moment later.
  let said = '';
  for (let tries = 0; !said.startsWith('in') && tries < 50; tries++) {
    const socket = await it.open();
    const [chunk] = await once(socket, 'data');
    said = String(chunk);
    socket.destroy();
  }
  assert.equal(said, 'in');
});

test('a program that does not read holds up itself alone, in bounded memory', async () => {
  const piece = Buffer.alloc(64 * 1024);
  let handed = 0;
  let streams = 0;
  const full = Promise.withResolvers<void>();
  await using it = await rig((stream) => {
    accept(stream);
    if (streams++ > 0) {
      stream.end('served');
      return;
    }
    const more = () => {
      while (handed < 256 * 1024 * 1024) {
        handed += piece.length;
        if (!stream.write(piece)) break;
      }
    };
    stream.on('drain', more);
    more();
    full.resolve();
  });
  const stuck = await it.open();
  stuck.pause();
  await full.promise;
  assert.equal(await it.ask(), 'served');
  let before = -1;
  while (before !== handed) {
    before = handed;
    // A whole round trip of another connection in which nothing moved: it stands still.
    for (let n = 0; n < 20; n++) assert.equal(await it.ask(), 'served');
  }
  assert.ok(handed < 32 * 1024 * 1024, `${handed} bytes were taken in`);
});
