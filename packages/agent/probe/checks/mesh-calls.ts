import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { errorCode } from './error-code.ts';

interface Call {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

const WAIT_MS = 15_000;

/** Calls of the caller's choosing on the inner session, all at once; per call `{status, body}` or `{error}`. */
export async function callMesh(
  args: { calls: Call[]; times?: number },
  inner: Promise<ClientHttp2Session>,
): Promise<unknown> {
  const session = await inner;
  const calls = Array.from({ length: args.times ?? 1 }, () => args.calls).flat();
  return { answers: await Promise.all(calls.map((call) => callOnce(session, call))) };
}

function callOnce(session: ClientHttp2Session, call: Call): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  let status = 0;
  let body = '';
  let stream: ClientHttp2Stream;
  try {
    stream = session.request(
      { ':method': call.method, ':path': call.path, ':authority': 'mesh', ...call.headers },
      { endStream: false },
    );
  } catch (error) {
    return Promise.resolve({ status, body, error: errorCode(error) });
  }
  const end = (error = '') => {
    clearTimeout(timer);
    resolve({ status, body: body.slice(0, 4000), error });
  };
  const timer = setTimeout(() => {
    end('timeout');
    stream.close();
  }, WAIT_MS);
  stream.setEncoding('utf8');
  stream.on('response', (headers) => {
    status = Number(headers[':status']);
  });
  stream.on('data', (text: string) => {
    if (body.length < 4000) body += text;
  });
  stream.on('error', (error) => end(errorCode(error)));
  stream.on('close', () => end(status === 0 ? `reset with ${stream.rstCode}` : ''));
  stream.end(call.body ?? '');
  return promise;
}

/** Opens `streams` uploads and sends into each as long as the host takes it; leaves them open. */
export async function holdUnread(
  args: { streams: number; path: string; holdMs: number },
  inner: Promise<ClientHttp2Session>,
): Promise<unknown> {
  const session = await inner;
  const chunk = Buffer.alloc(16_384);
  let bytes = 0;
  const streams = Array.from({ length: args.streams }, () => {
    const stream = session.request({ ':method': 'POST', ':path': args.path }, { endStream: false });
    stream.on('error', () => {});
    const more = (error?: Error | null) => {
      if (error) return;
      bytes += chunk.length;
      stream.write(chunk, more);
    };
    more();
    return stream;
  });
  await new Promise((resolve) => setTimeout(resolve, args.holdMs));
  const open = streams.filter((stream) => !stream.destroyed).length;
  for (const stream of streams) stream.close(8);
  return { bytes, open };
}
