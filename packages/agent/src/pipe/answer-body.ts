import type { ClientHttp2Stream } from 'node:http2';
import { Readable } from 'node:stream';

/**
 * The body of an answer as a stream of its own, at the reader's pace. An HTTP/2 stream says `closed` as soon as its
 * last frame is there, read or not, and then `for await` over it fails with what was already received unread.
 * Errors when the answer was cut off; a reader that stops early resets the stream.
 */
export function answerBody(stream: ClientHttp2Stream, abandon: () => void): Readable {
  let ended = false;
  const body = new Readable({
    read() {
      stream.resume();
    },
    destroy(error, done) {
      if (!ended) abandon();
      done(error);
    },
  });
  body.on('error', () => {});
  stream.pause();
  stream.on('data', (chunk: Buffer) => {
    if (!body.push(chunk)) stream.pause();
  });
  stream.on('end', () => {
    // A reset ends the stream as well, and leaves its code.
    if (stream.rstCode) return;
    ended = true;
    body.push(null);
  });
  stream.on('close', () => {
    if (!ended) body.destroy(new Error('the answer was cut off'));
  });
  return body;
}
