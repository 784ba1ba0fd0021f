import { type ClientHttp2Stream, constants } from 'node:http2';
import type { Socket } from 'node:net';

/**
 * Carries bytes both ways at the pace of the slower side, until both have ended. Either side may end its half alone.
 * One that is cut off (a reset, an error) cuts the other off: what was half sent never looks whole.
 */
export function splice(socket: Socket, stream: ClientHttp2Stream): void {
  const cut = () => {
    // `destroy` alone would say a proper end to the program.
    if (!socket.destroyed) socket.resetAndDestroy();
    // `close` would end our half properly first.
    stream.destroy(new Error('the connection was cut off'));
  };
  socket.on('error', cut);
  stream.on('error', cut);
  socket.on('close', (failed) => {
    if (failed || !stream.writableFinished) cut();
  });
  stream.on('close', () => {
    if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) cut();
  });
  stream.on('end', () => {
    // A reset ends the stream as well, and leaves its code.
    if (stream.rstCode === constants.NGHTTP2_NO_ERROR) socket.end();
    else cut();
  });
  socket.pipe(stream);
  stream.pipe(socket, { end: false });
}
