import type { ClientHttp2Session } from 'node:http2';
import type { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { errorCode } from './error-code.ts';

interface Attempt {
  /** What the proxy is told first, whole: `CONNECT host:443 HTTP/1.1` and so on. */
  ask: string;
  /** With it, TLS is begun when the proxy said 200. */
  tls?: { servername: string; ca: string };
  /** Sent then, inside. */
  request?: string;
}

const WAIT_MS = 15_000;
const MOST_CHARACTERS = 16_000;

/** Speaks to the proxy as programs in the container do, each attempt on a connection of its own, a few at a time. */
export async function tryEgress(
  args: { attempts: Attempt[] },
  inner: Promise<ClientHttp2Session>,
): Promise<unknown> {
  const session = await inner;
  const answers: unknown[] = [];
  for (let at = 0; at < args.attempts.length; at += 8) {
    const some = args.attempts.slice(at, at + 8);
    answers.push(...(await Promise.all(some.map((attempt) => tryOnce(session, attempt)))));
  }
  return { answers };
}

async function tryOnce(session: ClientHttp2Session, { ask, tls, request }: Attempt): Promise<unknown> {
  const seen = { proxy: '', tls: '', issuer: '', answer: '', error: '' };
  const stream = session.request({ ':method': 'CONNECT', ':authority': 'egress' }, { endStream: false });
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  stream.on('error', failed.reject);
  const timer = setTimeout(() => failed.reject(new Error('timeout')), WAIT_MS);
  try {
    stream.write(ask);
    seen.proxy = await Promise.race([readUntil(stream, tls ? '\r\n\r\n' : null), failed.promise]);
    if (!tls || !seen.proxy.startsWith('HTTP/1.1 200')) return seen;
    // Without a name there is none to compare; that the authority signed it is checked all the same.
    const nameless = tls.servername === '' ? { checkServerIdentity: () => undefined } : {};
    const secure = connect({ socket: stream, ...tls, ...nameless, ALPNProtocols: ['http/1.1'] });
    secure.on('error', failed.reject);
    await Promise.race([new Promise((resolve) => secure.once('secureConnect', resolve)), failed.promise]);
    seen.tls = 'verified';
    seen.issuer = issuerOf(secure);
    if (request === undefined) return seen;
    secure.write(request);
    seen.answer = await Promise.race([readUntil(secure, null), failed.promise]);
  } catch (error) {
    seen.error = errorCode(error);
  } finally {
    clearTimeout(timer);
    stream.close(8);
  }
  return seen;
}

/** Up to `mark`, or to the end. */
function readUntil(stream: Duplex, mark: string | null): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const onData = (chunk: Buffer) => {
      if (text.length < MOST_CHARACTERS) text += chunk.toString('latin1');
      if (mark !== null && text.includes(mark)) done();
    };
    const done = () => {
      stream.off('data', onData);
      stream.pause();
      resolve(text.slice(0, MOST_CHARACTERS));
    };
    stream.on('data', onData);
    stream.once('end', done);
    stream.once('close', done);
  });
}

function issuerOf(secure: TLSSocket): string {
  const { issuer } = secure.getPeerCertificate();
  return JSON.stringify(issuer ?? {}).slice(0, 300);
}
