import { on, once } from 'node:events';
import type { Socket } from 'node:net';
import { FRAME, frame, PREFACE, requestBlock, STATUS_200, settings } from './raw-frames.ts';

/** What an agent's end says first: its settings, and yes to CONNECT mesh, which is the host's stream 1. */
export const OPENING = Buffer.concat([
  settings(),
  settings([], true),
  frame(FRAME.headers, 4, 1, STATUS_200),
  onInner(PREFACE, settings(), settings([], true)),
]);

/** Bytes of the inner session, in DATA frames of the stream that carries it. */
export function onInner(...parts: Buffer[]): Buffer {
  const all = Buffer.concat(parts);
  const frames: Buffer[] = [];
  for (let at = 0; at < all.length; at += 16_384) {
    frames.push(frame(FRAME.data, 0, 1, all.subarray(at, at + 16_384)));
  }
  return Buffer.concat(frames);
}

export function meshRequest(id: number, end: boolean, ...extra: Buffer[]): Buffer {
  return frame(FRAME.headers, end ? 5 : 4, id, requestBlock('/x', ...extra));
}

export const times = (bytes: Buffer, count: number): Buffer => Buffer.concat(Array(count).fill(bytes));

/** Writes as fast as the other end takes it, until `chunks` or the other end ends. Returns the bytes written. */
export async function writeAll(socket: Socket, chunks: Iterable<Buffer>): Promise<number> {
  let written = 0;
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  for (const chunk of chunks) {
    if (socket.destroyed || gone.signal.aborted) break;
    written += chunk.length;
    if (!socket.write(chunk)) await once(socket, 'drain', { signal: gone.signal }).catch(() => {});
  }
  return written;
}

/** An honest-looking opening on `socket`; what the host sends is read and thrown away. */
export function open(socket: Socket): void {
  socket.resume();
  socket.write(OPENING);
}

/** Resolves when the host has sent the headers of its stream `id`. */
export async function requestArrives(socket: Socket, id: number): Promise<void> {
  for await (const [chunk] of on(socket, 'data', { close: ['close'] })) {
    for (let at = 0; at + 9 <= chunk.length; at += 9 + chunk.readUIntBE(at, 3)) {
      if (chunk[at + 3] === FRAME.headers && chunk.readUInt32BE(at + 5) === id) return;
    }
  }
}
