import { type ClientHttp2Session, connect, createServer, type ServerHttp2Stream } from 'node:http2';
import { buffer } from 'node:stream/consumers';
import { runCheck } from './run-check.ts';
import { stdio } from './stdio.ts';

const ENOUGH = 1000;

/**
 * Answers `GET /status` and `POST /start` like an agent, `POST /probe {check, args}` with `{ok, observation}`, and
 * CONNECT by opening the inner session, with every limit of its own off. Ends with its input.
 */
export function serveProbe(): void {
  const inner = Promise.withResolvers<ClientHttp2Session>();
  const server = createServer({ maxSessionMemory: ENOUGH });
  server.on('sessionError', () => {});
  server.on('session', (session) => {
    session.on('error', () => {});
    session.on('close', () => process.exit(0));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (headers[':method'] === 'CONNECT') {
      stream.respond({ ':status': 200 });
      const session = connect('http://mesh', {
        createConnection: () => stream,
        maxSessionMemory: ENOUGH,
        peerMaxConcurrentStreams: 2 ** 31 - 1,
        maxSendHeaderBlockLength: 2 ** 20,
      });
      session.on('error', () => {});
      inner.resolve(session);
      return;
    }
    void answer(stream, String(headers[':path']), inner.promise);
  });
  const bytes = stdio();
  bytes.on('end', () => process.exit(0));
  server.emit('connection', bytes);
}

async function answer(
  stream: ServerHttp2Stream,
  path: string,
  inner: Promise<ClientHttp2Session>,
): Promise<void> {
  const body = await buffer(stream);
  if (path !== '/status' && path !== '/probe') {
    stream.respond({ ':status': path === '/start' ? 204 : 404 }, { endStream: true });
    return;
  }
  // Headers first: a check may take longer than the host waits for them.
  stream.respond({ ':status': 200, 'content-type': 'application/json' });
  if (path === '/status') {
    stream.end(JSON.stringify({ state: 'idle', version: 'probe', progress: 1 }));
    return;
  }
  try {
    const { check, args } = JSON.parse(body.toString('utf8'));
    stream.end(JSON.stringify({ ok: true, observation: await runCheck(String(check), args, inner) }));
  } catch (error) {
    stream.end(JSON.stringify({ ok: false, error: String(error).slice(0, 2000) }));
  }
}
