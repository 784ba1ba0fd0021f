import { type ClientHttp2Session, connect, createServer, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';

/** The agent's end, made by hand with no limit at all. `answer` gets every request of the host but CONNECT. */
export function plainAgent(
  socket: Socket,
  answer: (stream: ServerHttp2Stream, path: string) => void,
): { inner: Promise<ClientHttp2Session> } {
  const inner = Promise.withResolvers<ClientHttp2Session>();
  const server = createServer({ maxSessionMemory: 1000 });
  server.on('sessionError', () => {});
  server.on('session', (session) => session.on('error', () => {}));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (headers[':method'] !== 'CONNECT') {
      answer(stream, String(headers[':path']));
      return;
    }
    stream.respond({ ':status': 200 });
    const session = connect('http://mesh', { createConnection: () => stream, maxSessionMemory: 1000 });
    session.on('error', () => {});
    inner.resolve(session);
  });
  server.emit('connection', socket);
  return { inner: inner.promise };
}
