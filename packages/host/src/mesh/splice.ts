import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';

/**
 * Joins an agent's stream to a socket of the gateway, byte for byte: each side at the pace of the other, a half-close
 * passed on as one, the end of either without one being the end of both. Nothing is looked at. Resolves with what
 * went through when both have closed. Idle for `idleMs`, or for `lingerMs` once the
 * gateway has said its last, they are cut: that the other end of a Unix socket is gone altogether shows only to who
 * writes to it.
 */
export async function splice(
  stream: ServerHttp2Stream,
  { socket, head }: { socket: Socket; head: Buffer },
  { idleMs, lingerMs }: { idleMs: number; lingerMs: number },
): Promise<{ bytesUp: number; bytesDown: number }> {
  const moved = { bytesUp: 0, bytesDown: 0 };
  if (stream.destroyed || stream.closed) {
    socket.destroy();
    return moved;
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  let open = 2;
  const closed = () => {
    open -= 1;
    if (open === 0) resolve();
  };
  // Destroyed, not closed: `close` ends the body properly first, and half of it would look like the whole.
  const cut = (why: string) => stream.destroy(new Error(why));
  stream.on('error', () => {});
  stream.setTimeout(idleMs, () => cut('idle for too long'));
  socket.on('error', () => {});
  stream.on('close', () => {
    closed();
    // A reset ends the stream as well; half of what a program said is not what it said.
    if (stream.rstCode || !socket.writableEnded) socket.destroy();
  });
  socket.on('close', () => {
    closed();
    const whole = socket.readableEnded && socket.writableFinished;
    if (!whole && !stream.destroyed && !stream.closed) cut('the gateway cut the connection');
  });
  socket.on('end', () => stream.setTimeout(lingerMs));
  stream.respond({ ':status': 200 });
  if (head.length > 0) {
    moved.bytesDown += head.length;
    stream.write(head);
  }
  pump(stream, socket, (bytes) => {
    moved.bytesUp += bytes;
  });
  pump(socket, stream, (bytes) => {
    moved.bytesDown += bytes;
  });
  await promise;
  return moved;
}

function pump(from: Readable, to: Writable, count: (bytes: number) => void): void {
  from.on('data', (chunk: Buffer) => {
    count(chunk.length);
    if (!to.writable) return;
    if (!to.write(chunk)) from.pause();
  });
  to.on('drain', () => from.resume());
  const end = () => {
    if (to.writable) to.end();
  };
  // HTTP/2 ends what is empty before anyone has asked for it.
  if (from.readableEnded) end();
  else from.on('end', end);
}
