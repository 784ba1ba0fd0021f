import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/**
 * The engine's attach stream, demultiplexed: every frame is 8 bytes (stream 1 or 2, three zeros, length as a
 * 32-bit big-endian number) and its payload. Frames are never gathered: payload is passed on as it arrives, so one
 * frame of 4 GB costs no memory.
 */
export interface AttachStream {
  /** Standard output to read, standard input to write. `end()` closes the input alone. */
  pipe: Duplex;
  /** Resolves when the engine has closed the stream. */
  closed: Promise<void>;
}

export interface AttachObserver {
  /** Bytes of standard output, counted before anyone reads them. */
  onStdout(bytes: number): void;
  /** The chunk belongs to a larger buffer: copy what is kept. */
  onStderr(chunk: Buffer): void;
}

/** Standard error is handed over at once; a full `pipe` pauses the connection, so the container blocks, not the host. */
export function demultiplex(socket: Socket, head: Buffer, observer: AttachObserver): AttachStream {
  const closed = Promise.withResolvers<void>();
  const header = Buffer.alloc(8);
  let headerBytes = 0;
  let remaining = 0;
  let stream = 0;
  let ended = false;

  const end = () => {
    if (ended) return;
    ended = true;
    pipe.push(null);
  };
  const pipe = new Duplex({
    allowHalfOpen: true,
    read: () => {
      socket.resume();
    },
    write: (chunk, _encoding, done) => {
      socket.write(chunk, done);
    },
    writev: (chunks, done) => {
      socket.cork();
      for (const [index, { chunk }] of chunks.entries()) {
        if (index === chunks.length - 1) socket.write(chunk, done);
        else socket.write(chunk);
      }
      socket.uncork();
    },
    final: (done) => {
      if (socket.destroyed) done();
      else socket.end(() => done());
    },
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });

  const consume = (chunk: Buffer) => {
    let offset = 0;
    while (offset < chunk.length) {
      if (remaining === 0) {
        const taken = Math.min(8 - headerBytes, chunk.length - offset);
        chunk.copy(header, headerBytes, offset, offset + taken);
        headerBytes += taken;
        offset += taken;
        if (headerBytes < 8) return;
        headerBytes = 0;
        stream = header[0] ?? 0;
        remaining = header.readUInt32BE(4);
        if ((stream !== 1 && stream !== 2) || header[1] !== 0 || header[2] !== 0 || header[3] !== 0) {
          pipe.destroy(new Error('the engine sent a frame of no known stream'));
          return;
        }
        continue;
      }
      const payload = chunk.subarray(offset, offset + Math.min(remaining, chunk.length - offset));
      offset += payload.length;
      remaining -= payload.length;
      if (stream === 2) observer.onStderr(payload);
      else {
        observer.onStdout(payload.length);
        if (!ended && !pipe.destroyed && !pipe.push(payload)) socket.pause();
      }
    }
  };

  // Its reader listens too; until there is one, a broken connection must not end the process.
  pipe.on('error', () => {});
  socket.setNoDelay(true);
  socket.on('data', consume);
  socket.on('end', end);
  socket.on('error', (error) => pipe.destroy(error));
  socket.on('close', () => {
    end();
    closed.resolve();
  });
  if (head.length > 0) consume(head);
  return { pipe, closed: closed.promise };
}
