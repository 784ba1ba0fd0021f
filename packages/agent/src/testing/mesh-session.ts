import { once } from 'node:events';
import { connect, createServer, type ServerHttp2Stream } from 'node:http2';
import { connect as connectSocket, createServer as createSocketServer, type Socket } from 'node:net';
import type { EgressDialler } from '../pipe/pipe.ts';

export interface MeshSession extends AsyncDisposable {
  dial: EgressDialler;
  /** Ends the session as a pipe that breaks. */
  cut(): void;
}

/** The inner session of a pipe with the test's own mesh behind it, over a real socket. */
export async function meshSession(onStream: (stream: ServerHttp2Stream) => void): Promise<MeshSession> {
  const server = createServer();
  server.on('sessionError', () => {});
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    onStream(stream);
  });
  const listener = createSocketServer((socket) => server.emit('connection', socket));
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const bytes: Socket = connectSocket(address.port, '127.0.0.1');
  await once(bytes, 'connect');
  const session = connect('http://mesh', { createConnection: () => bytes });
  session.on('error', () => {});
  return {
    dial: async () => {
      const stream = session.request({ ':method': 'CONNECT', ':authority': 'egress' }, { endStream: false });
      stream.on('error', () => {});
      return stream;
    },
    cut: () => bytes.destroy(),
    [Symbol.asyncDispose]: async () => {
      session.destroy();
      bytes.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
