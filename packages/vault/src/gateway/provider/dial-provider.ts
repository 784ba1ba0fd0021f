import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { rootCertificates } from 'node:tls';
import type { CatalogProvider } from '@openlegion/contract/catalog';
import type { VaultError } from '../../process/vault-error.ts';
import type { CallerPresence } from '../handle-call.ts';
import { refusal } from '../refusal.ts';

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
  presence: CallerPresence;
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

/** What is the same for every call to one origin: worked out once, with kept connections of its own. */
interface Leg {
  isSecure: boolean;
  host: string;
  options: object;
  agent: HttpAgent;
}

// An idle connection is closed before the usual server would, so that a call does not meet its closing.
const POOL = {
  keepAlive: true,
  maxFreeSockets: 256,
  timeout: 4_000,
  scheduling: 'lifo',
  noDelay: true,
} as const;

/** Trusts the public roots alone until it is told of others. */
export function createProviderDialer(timeouts: ProviderTimeouts): ProviderDialer {
  const legs = new Map<string, Leg>();
  let roots = [...rootCertificates];

  function legTo(provider: CatalogProvider): Leg {
    const origin = originOf(provider);
    const known = legs.get(origin);
    if (known) return known;
    const { protocol, hostname, host, port } = new URL(provider.baseUrl);
    const isSecure = protocol === 'https:';
    // Explicit: no environment variable may switch it off or add to it.
    const trust = { minVersion: 'TLSv1.2', rejectUnauthorized: true, ca: roots } as const;
    const { socketPath } = provider;
    const leg: Leg = {
      isSecure,
      host,
      options:
        socketPath === undefined ? { hostname: hostname.replace(/^\[|\]$/g, ''), port } : { socketPath },
      agent: isSecure ? new HttpsAgent({ ...POOL, ...trust }) : new HttpAgent(POOL),
    };
    // One origin, one name: it is not worked out again from all the options of every call.
    leg.agent.getName = () => origin;
    legs.set(origin, leg);
    return leg;
  }

  return {
    dial: (call) => dialOver(legTo(call.provider), call, timeouts),
    trust(extraRootsPem) {
      roots = extraRootsPem === null ? [...rootCertificates] : [...rootCertificates, extraRootsPem];
      // Calls under way keep their connections; the idle ones of the old trust end by themselves.
      legs.clear();
    },
    close() {
      for (const { agent } of legs.values()) agent.destroy();
    },
  };
}

function dialOver(leg: Leg, call: ProviderCall, timeouts: ProviderTimeouts): Promise<DialOutcome> {
  const { provider, target, headers, body, presence } = call;
  const { isSecure, host, agent, options } = leg;
  return new Promise((resolve) => {
    const request = (isSecure ? httpsRequest : httpRequest)({
      ...options,
      method: 'POST',
      agent,
      path: `${new URL(provider.baseUrl).pathname.replace(/\/$/, '')}/${target}`,
      headers: { ...headers, host, 'content-length': body.length },
      setHost: false,
      maxHeaderSize: 32 * 1024,
      insecureHTTPParser: false,
    });
    presence.leave = () => request.destroy();
    let sent = false;
    let timedOut: 'late' | 'connect' | null = null;
    let timer: NodeJS.Timeout | undefined;
    const wait = (ms: number, why: 'late' | 'connect'): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        timedOut = why;
        request.destroy();
      }, ms);
    };
    const connected = (): void => {
      sent = true;
      wait(timeouts.firstByteMs, 'late');
    };
    request.once('socket', (socket) => {
      if (!socket.connecting && (!isSecure || request.reusedSocket)) {
        connected();
        return;
      }
      wait(timeouts.connectMs, 'connect');
      socket.once(isSecure ? 'secureConnect' : 'connect', connected);
    });
    request.once('response', (answer) => {
      clearTimeout(timer);
      answer.setTimeout(timeouts.idleMs, () => answer.destroy(new Error('idle')));
      // The reader of the body hears of errors; before it reads, nobody may be there to.
      answer.on('error', () => {});
      resolve({ ok: true, answer });
    });
    request.on('error', (error) => {
      clearTimeout(timer);
      resolve({ ok: false, sent, refusal: describe(provider.id, error, timedOut) });
    });
    request.end(body);
  });
}

function describe(provider: string, cause: Error, timedOut: 'late' | 'connect' | null): VaultError {
  if (timedOut !== null) return refusal(`llm.provider:${timedOut}`, { provider }, cause);
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  if (TLS.test(code)) return refusal('llm.provider.tls', { provider, code }, cause);
  const known = WHY.get(code);
  const shown = /^[A-Z_]{1,40}$/.test(code) ? ` (${code})` : '';
  return refusal(
    'llm.provider:away',
    { provider, why: `${known === undefined ? '' : `: ${known}`}${shown}` },
    cause,
  );
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
const TLS = /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH)/;
