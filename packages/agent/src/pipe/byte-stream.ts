import { Duplex, type Readable, type Writable } from 'node:stream';

/** Standard input and output as the one stream that HTTP/2 runs over. Back-pressure is passed on both ways. */
export function byteStream(input: Readable, output: Writable): Duplex {
  const duplex = new Duplex({
    allowHalfOpen: false,
    read() {
      input.resume();
    },
    write(chunk: Buffer, _encoding, callback) {
      output.write(chunk, (error) => callback(error ?? null));
    },
    // One write for what HTTP/2 hands over together: each is a way through the engine of its own.
    writev(chunks, callback) {
      output.cork();
      for (const [index, { chunk }] of chunks.entries()) {
        if (index === chunks.length - 1) output.write(chunk, (error) => callback(error ?? null));
        else output.write(chunk);
      }
      output.uncork();
    },
    destroy(error, callback) {
      input.destroy();
      callback(error);
    },
  });
  input.on('data', (chunk: Buffer) => {
    if (!duplex.push(chunk)) input.pause();
  });
  input.on('end', () => duplex.push(null));
  input.on('error', (error) => duplex.destroy(error));
  input.on('close', () => duplex.destroy());
  output.on('error', (error) => duplex.destroy(error));
  return duplex;
}
