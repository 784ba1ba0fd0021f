import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type AttachObserver, demultiplex } from './attach-stream.ts';

/** A socket whose other end the test holds. */
class FakeSocket extends Duplex {
  written: Buffer[] = [];
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written.push(chunk);
    done();
  }
  setNoDelay(): this {
    return this;
  }
}

const frame = (stream: number, payload: Buffer) => {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
};

function attach(head = Buffer.alloc(0), observer: Partial<AttachObserver> = {}) {
  const socket = new FakeSocket({ allowHalfOpen: true });
  const asSocket: unknown = socket;
  const stderr: Buffer[] = [];
  const stream = demultiplex(asSocket as Socket, head, {
    onStdout: () => {},
    onStderr: (chunk) => stderr.push(Buffer.from(chunk)),
    ...observer,
  });
  return { socket, stream, stderr };
}

describe('demultiplex', () => {
  test('gives back what was framed, however it is cut', async () => {
    const piece = fc.record({ stream: fc.constantFrom(1, 2), payload: fc.uint8Array({ maxLength: 300 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 50 })),
        async (pieces, cuts) => {
          const bytes = Buffer.concat(
            pieces.map(({ stream, payload }) => frame(stream, Buffer.from(payload))),
          );
          const { socket, stream, stderr } = attach();
          let at = 0;
          for (const cut of cuts) {
            if (at < bytes.length) socket.push(bytes.subarray(at, at + cut));
            at += cut;
          }
          if (at < bytes.length) socket.push(bytes.subarray(at));
          socket.push(null);
          const stdout: Buffer[] = [];
          for await (const chunk of stream.pipe) stdout.push(chunk);
          const of = (wanted: number) =>
            Buffer.concat(
              pieces.filter(({ stream }) => stream === wanted).map(({ payload }) => Buffer.from(payload)),
            );
          assert.deepEqual(Buffer.concat(stdout), of(1));
          assert.deepEqual(Buffer.concat(stderr), of(2));
        },
      ),
      { numRuns: 100 },
    );
  });

  test('what came with the answer is read as well', async () => {
    const { socket, stream } = attach(frame(1, Buffer.from('early')));
    socket.push(null);
    assert.equal(String((await stream.pipe.toArray())[0]), 'early');
  });

  test('a frame of 4 GB costs only what has arrived of it', () => {
    const header = Buffer.from([1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    const { socket, stream } = attach();
    socket.emit('data', Buffer.concat([header, Buffer.alloc(1000)]));
    assert.equal(stream.pipe.readableLength, 1000);
  });

  test('stops reading the connection when no one reads the pipe, and goes on after', () => {
    const { socket, stream } = attach();
    socket.emit('data', frame(1, Buffer.alloc(stream.pipe.readableHighWaterMark)));
    assert.ok(socket.isPaused());
    stream.pipe.read();
    stream.pipe.read();
    assert.ok(!socket.isPaused());
  });

  test('bytes of no known stream end it', () => {
    for (const bad of [
      [0, 0, 0, 0],
      [3, 0, 0, 0],
      [1, 0, 0, 1],
      [72, 84, 84, 80],
    ]) {
      const { socket, stream } = attach();
      socket.emit('data', Buffer.from([...bad, 0, 0, 0, 1, 65]));
      assert.ok(stream.pipe.destroyed, String(bad));
      assert.ok(socket.destroyed);
    }
  });

  test('ending the pipe ends the input and leaves the output open', async () => {
    const { socket, stream } = attach();
    stream.pipe.end('last');
    await new Promise<void>((resolve) => socket.once('finish', resolve));
    assert.equal(Buffer.concat(socket.written).toString(), 'last');
    assert.ok(!stream.pipe.readableEnded && !stream.pipe.destroyed);
    socket.emit('data', frame(1, Buffer.from('after')));
    assert.equal(String(stream.pipe.read()), 'after');
  });
});
