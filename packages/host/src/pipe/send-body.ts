import type { ClientHttp2Stream } from 'node:http2';

const PIECE_BYTES = 64 * 1024;

/**
 * Sends `body` at the receiver's pace and ends the stream. In pieces, because what is handed over whole counts
 * against the memory of the session, which is small: the answer to a large body would then be turned away.
 */
export function sendBody(stream: ClientHttp2Stream, body: string | Uint8Array = ''): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  let at = 0;
  const more = () => {
    while (at < bytes.length) {
      const piece = bytes.subarray(at, at + PIECE_BYTES);
      at += piece.length;
      if (at === bytes.length) stream.end(piece);
      else if (!stream.write(piece)) {
        stream.once('drain', more);
        return;
      }
    }
  };
  if (bytes.length === 0) stream.end();
  else more();
}
