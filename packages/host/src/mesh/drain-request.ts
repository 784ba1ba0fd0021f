import type { ServerHttp2Stream } from 'node:http2';

/** What a refused or needless body may still bring before its stream is reset. */
const DRAIN_BYTES = 1024 * 1024;

/**
 * Reads a body that nobody wants, without keeping it, so that the answer is not lost: an HTTP/2 stream that is
 * answered before its request has ended is reset (RFC 9113, 8.1), and a client may drop what it had not read yet.
 */
export function drainRequest(stream: ServerHttp2Stream): void {
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DRAIN_BYTES) stream.close(0);
  });
}
