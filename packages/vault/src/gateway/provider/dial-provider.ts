import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { rootCertificates } from 'node:tls';
import type { CatalogProvider } from '@openlegion/contract/catalog';
import type { VaultError } from '../../process/vault-error.ts';
import { refuse } from '../refuse.ts';

export interface ProviderTimeouts {
  /** Until the connection (and its TLS) stands. */
  connectMs: number;
  /** From then until the answer's headers; an answer that is not streamed is made in this time. */
  firstByteMs: number;
  /** Between two pieces of the answer. */
  idleMs: number;
}

export const PROVIDER_TIMEOUTS: ProviderTimeouts = {
  connectMs: 10_000,
  firstByteMs: 600_000,
  idleMs: 120_000,
};

export interface ProviderCall {
  provider: CatalogProvider;
  /** Under the base URL, without a leading slash. */
  target: string;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
  signal: AbortSignal;
}

/** `sent` tells whether the provider can have begun to work, and so to bill. */
export type DialOutcome =
  | { ok: true; answer: IncomingMessage }
  | { ok: false; sent: boolean; refusal: VaultError };

export interface ProviderDialer {
  /** Never rejects, follows no redirect, repeats nothing. The answer's body errors when it is cut or idle too long. */
  dial(call: ProviderCall): Promise<DialOutcome>;
  /** Roots beside the public ones, PEM; from the next connection on. */
  trust(extraRootsPem: string | null): void;
  close(): void;
}

/** Where a provider is dialled: what the keeper holds a credential's origins against. */
export function originOf(provider: CatalogProvider): string {
  return provider.socketPath === undefined ? new URL(provider.baseUrl).origin : `unix:${provider.socketPath}`;
}

/** Trusts the public roots alone until it is told of others. */
export function createProviderDialer(timeouts: ProviderTimeouts): ProviderDialer {
  // An idle connection is closed before the usual server would, so that a call does not meet its closing.
  const pool = { keepAlive: true, maxFreeSockets: 16, timeout: 4_000, scheduling: 'lifo' } as const;
  const plain = new HttpAgent(pool);
  let secure = trusting([]);

  function trusting(extraRoots: string[]): HttpsAgent {
    return new HttpsAgent({
      ...pool,
      minVersion: 'TLSv1.2',
      // Explicit: no environment variable may switch it off or add to it.
      rejectUnauthorized: true,
      ca: [...rootCertificates, ...extraRoots],
    });
  }

  return {
    dial: ({ provider, target, headers, body, signal }) =>
      new Promise((resolve) => {
        const url = new URL(`${provider.baseUrl}/${target}`);
        const isSecure = url.protocol === 'https:';
        const request = (isSecure ? httpsRequest : httpRequest)({
          method: 'POST',
          agent: isSecure ? secure : plain,
          ...(provider.socketPath === undefined
            ? { hostname: url.hostname.replace(/^\[|\]$/g, ''), port: url.port }
            : { socketPath: provider.socketPath }),
          path: `${url.pathname}${url.search}`,
          headers: { ...headers, host: url.host, 'content-length': body.length },
          setHost: false,
          maxHeaderSize: 32 * 1024,
          insecureHTTPParser: false,
        });
        const leave = (): void => {
          request.destroy();
        };
        signal.addEventListener('abort', leave, { once: true });
        request.once('close', () => signal.removeEventListener('abort', leave));
        let sent = false;
        let settled = false;
        let timedOut: 'connect' | 'answer' | null = null;
        const expire = (why: 'connect' | 'answer') => () => {
          timedOut = why;
          request.destroy();
        };
        let timer = setTimeout(expire('connect'), timeouts.connectMs);

        const connected = (): void => {
          sent = true;
          clearTimeout(timer);
          timer = setTimeout(expire('answer'), timeouts.firstByteMs);
        };
        request.on('socket', (socket) => {
          if (!socket.connecting && (!isSecure || request.reusedSocket)) connected();
          else socket.once(isSecure ? 'secureConnect' : 'connect', connected);
        });
        const finish = (outcome: DialOutcome): void => {
          if (settled) return;
          settled = true;
          clearTimeout(timer);
          resolve(outcome);
        };
        request.on('response', (answer) => {
          answer.setTimeout(timeouts.idleMs, () => answer.destroy(new Error('idle')));
          // The reader of the body hears of errors; before it reads, nobody may be there to.
          answer.on('error', () => {});
          finish({ ok: true, answer });
        });
        request.on('error', (error) => {
          finish({ ok: false, sent, refusal: describe(provider, error, timedOut) });
        });
        if (signal.aborted) leave();
        else request.end(body);
      }),
    trust(extraRootsPem) {
      // Calls under way keep their connections; the idle ones of the old trust end by themselves.
      secure = trusting(extraRootsPem === null ? [] : [extraRootsPem]);
    },
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}

function describe(
  provider: CatalogProvider,
  cause: Error,
  timedOut: 'connect' | 'answer' | null,
): VaultError {
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const name = provider.id;
  if (timedOut === 'answer')
    return refuse(
      'deadline_exceeded',
      'llm.provider',
      `The provider ${name} did not answer in time.`,
      'Try again; the call may have been billed, so it is charged in full.',
      { cause },
    );
  if (timedOut === 'connect')
    return refuse(
      'deadline_exceeded',
      'llm.provider',
      `No connection to the provider ${name} in time.`,
      REACH,
      { cause },
    );
  if (TLS.test(code))
    return refuse(
      'upstream_failed',
      'llm.provider.tls',
      `The certificate of the provider ${name} was not accepted (${code}); nothing was sent.`,
      'Check base_url and who answers there; a private certificate needs its root in the configuration.',
      { cause },
    );
  const known = WHY.get(code);
  const shown = /^[A-Z_]{1,40}$/.test(code) ? ` (${code})` : '';
  const message = `The provider ${name} cannot be reached${known === undefined ? '' : `: ${known}`}${shown}.`;
  return refuse('upstream_failed', 'llm.provider', message, REACH, { cause });
}

/** System errors (errno(3), getaddrinfo(3)) in the words of a person. */
const WHY: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'it refused the connection'],
  ['ECONNRESET', 'the connection was cut'],
  ['ENOTFOUND', 'its name is not known'],
  ['EAI_AGAIN', 'its name could not be looked up'],
  ['ENETUNREACH', 'there is no way to its network'],
  ['EHOSTUNREACH', 'there is no way to its machine'],
]);

const REACH =
  'Check that it is up, the network, and base_url under llm.providers in config/mesh.yaml; then send the message again.';
const TLS = /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH)/;
