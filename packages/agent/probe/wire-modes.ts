import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { frame, OPENING, onInner, request } from './raw-frames.ts';

const repeated = (bytes: Buffer, count: number) => Buffer.concat(Array(count).fill(bytes));

/** Each takes the container's whole life; `ignore-eof` and the floods go on after the end of input. */
export const WIRE_MODES: ReadonlyMap<string, () => Promise<void>> = new Map([
  ['garbage', () => say([randomBytes(65_536)])],
  ['http1', () => say([Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')])],
  ['half-frame', () => say([Buffer.from([0, 0, 12, 4])])],
  ['ping-flood', () => flood(repeated(frame(6, 0, 0, Buffer.alloc(8)), 1000))],
  ['settings-flood', () => flood(repeated(frame(4, 0, 0), 1000))],
  ['rst-flood', () => say(resetRequests())],
  ['continuation-flood', () => flood(repeated(frame(9, 0, 1, Buffer.alloc(100)), 100), frame(1, 0, 1))],
  ['unread-streams', () => say(openRequests())],
  ['slow-loris', slowLoris],
  ['stdout-flood', () => floodAnything(1)],
  ['stderr-flood', () => floodAnything(2)],
  ['silent', silent],
  ['ignore-eof', ignoreEnd],
  ['exit-at-once', async () => process.exit(7)],
]);

function output(fd = 1): Socket {
  process.stdin.on('error', () => {});
  process.stdin.resume();
  const socket = new Socket({ fd, readable: false, writable: true });
  socket.on('error', () => process.exit(1));
  return socket;
}

async function write(socket: Socket, bytes: Buffer): Promise<void> {
  if (!socket.write(bytes)) await once(socket, 'drain');
}

/** Says these after nothing (they are no opening) or, where they are frames, after an honest opening; then waits. */
async function say(chunks: Iterable<Buffer>): Promise<void> {
  const socket = output();
  for (const chunk of chunks) await write(socket, chunk);
  await silent();
}

async function flood(bytes: Buffer, first: Uint8Array = Buffer.alloc(0)): Promise<void> {
  const socket = output();
  await write(socket, Buffer.concat([OPENING, first]));
  for (;;) await write(socket, bytes);
}

async function floodAnything(fd: number): Promise<void> {
  const socket = output(fd);
  const bytes = Buffer.alloc(65_536, 'x');
  for (;;) await write(socket, bytes);
}

function* resetRequests(): Generator<Buffer> {
  yield OPENING;
  const code = Buffer.from([0, 0, 0, 8]);
  for (let id = 1; id < 2 ** 30; id += 2) yield onInner(Buffer.concat([request(id), frame(3, 0, id, code)]));
}

/** Sixty-four requests, each with as much of a body as its window takes, none ever ended. */
function* openRequests(): Generator<Buffer> {
  yield OPENING;
  for (let n = 0; n < 64; n += 1) yield onInner(request(1 + 2 * n));
  for (let round = 0; round < 15; round += 1) {
    for (let n = 0; n < 64; n += 1) yield onInner(frame(0, 0, 1 + 2 * n, Buffer.alloc(16_375)));
  }
}

async function slowLoris(): Promise<void> {
  const socket = output();
  await write(socket, Buffer.concat([OPENING, onInner(request(1))]));
  setInterval(() => socket.write(onInner(frame(0, 0, 1, Buffer.from('x')))), 500);
}

async function silent(): Promise<void> {
  process.stdin.on('error', () => {});
  process.stdin.on('end', () => process.exit(0));
  process.stdin.resume();
  setInterval(() => {}, 60_000);
}

async function ignoreEnd(): Promise<void> {
  process.on('SIGTERM', () => {});
  const socket = output();
  await write(socket, OPENING);
  setInterval(() => {}, 60_000);
}
