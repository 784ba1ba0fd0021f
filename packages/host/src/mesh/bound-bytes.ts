import { type Readable, Transform } from 'node:stream';
import { tooLarge } from './read-json-body.ts';

/** `source`, ended with `too_large` beyond `maxBytes`; it holds no more than a stream's buffer. */
export function boundBytes(source: Readable, maxBytes: number): Readable {
  let bytes = 0;
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) done(tooLarge(maxBytes));
      else done(null, chunk);
    },
  });
  source.on('error', (error) => bounded.destroy(error));
  source.on('close', () => !bounded.writableEnded && bounded.destroy());
  return source.pipe(bounded);
}
