import { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** Standard input and output as one stream. Output is asynchronous, so that a full pipe does not stop the program. */
export function stdio(): Duplex {
  const output = new Socket({ fd: 1, readable: false, writable: true });
  const input = process.stdin;
  const duplex = new Duplex({
    read: () => {
      input.resume();
    },
    write: (chunk, _encoding, done) => {
      output.write(chunk, (error) => done(error ?? null));
    },
  });
  duplex.on('error', () => {});
  output.on('error', () => duplex.destroy());
  input.on('data', (chunk: Buffer) => {
    if (!duplex.push(chunk)) input.pause();
  });
  input.on('end', () => duplex.push(null));
  input.on('error', () => duplex.push(null));
  return duplex;
}
