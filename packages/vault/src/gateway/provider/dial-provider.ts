import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { rootCertificates } from 'node:tls';
import type { CatalogProvider } from '@openlegion/contract/catalog';
import { isRefusalName, refusal } from '../../process/refusal.ts';
import type { VaultError } from '../../process/vault-error.ts';
import type { CallerPresence } from '../handle-call.ts';

/** Milliseconds. */
export const PROVIDER_TIMEOUTS = {
  /** Until the connection (and its TLS) stands. */
  connectMs: 10_000,
  /** From then until the answer's headers; an answer that is not streamed is made in this time. */
  firstByteMs: 600_000,
  /** Between two pieces of the answer. */
  idleMs: 120_000,
};

export interface ProviderCall {
  address: ProviderAddress;
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

/** Where a provider is dialled, worked out once, with kept connections of its own. */
export interface ProviderAddress {
  provider: string;
  /** What the keeper holds a credential's origins against. */
  origin: string;
  hostname: string;
  host: string;
  path: string;
  to: object;
  agent: HttpAgent;
}

export interface ProviderDialer {
  addressOf(provider: CatalogProvider): ProviderAddress;
  /** Never rejects, follows no redirect, repeats nothing. The answer's body errors when it is cut or idle too long. */
  dial(call: ProviderCall): Promise<DialOutcome>;
  /** Roots beside the public ones, PEM; from the next connection on. */
  trust(extraRootsPem: string | null): void;
  close(): void;
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
export function createProviderDialer(timeouts: typeof PROVIDER_TIMEOUTS): ProviderDialer {
  const agents = new Map<string, HttpAgent>();
  let addresses = new WeakMap<CatalogProvider, ProviderAddress>();
  let roots = [...rootCertificates];

  function agentOf(origin: string, isSecure: boolean): HttpAgent {
    // Explicit: no environment variable may switch it off or add to it.
    const trust = { minVersion: 'TLSv1.2', rejectUnauthorized: true, ca: roots } as const;
    const agent =
      agents.get(origin) ?? (isSecure ? new HttpsAgent({ ...POOL, ...trust }) : new HttpAgent(POOL));
    // One origin, one name: it is not worked out again from all the options of every call.
    agent.getName = () => origin;
    agents.set(origin, agent);
    return agent;
  }

  return {
    addressOf(provider) {
      const known = addresses.get(provider);
      if (known) return known;
      const { socketPath } = provider;
      const url = new URL(provider.baseUrl);
      const { protocol, hostname, host, port, pathname } = url;
      const origin = socketPath === undefined ? url.origin : `unix:${socketPath}`;
      const address: ProviderAddress = {
        ...{ provider: provider.id, origin, hostname, host, path: pathname.replace(/\/$/, '') },
        to: socketPath === undefined ? { hostname: hostname.replace(/^\[|\]$/g, ''), port } : { socketPath },
        agent: agentOf(origin, protocol === 'https:'),
      };
      addresses.set(provider, address);
      return address;
    },
    dial: (call) => dial(call, timeouts),
    trust(extraRootsPem) {
      roots = extraRootsPem === null ? [...rootCertificates] : [...rootCertificates, extraRootsPem];
      // Calls under way keep their connections; the idle ones of the old trust end by themselves.
      agents.clear();
      addresses = new WeakMap();
    },
    close() {
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

function dial(call: ProviderCall, timeouts: typeof PROVIDER_TIMEOUTS): Promise<DialOutcome> {
  const { address, target, headers, body, presence } = call;
  const { agent, host } = address;
  const isSecure = agent instanceof HttpsAgent;
  return new Promise((resolve) => {
    const request = (isSecure ? httpsRequest : httpRequest)({
      ...address.to,
      ...{ method: 'POST', agent, path: `${address.path}/${target}` },
      headers: { ...headers, host, 'content-length': body.length },
      ...{ setHost: false, maxHeaderSize: 32 * 1024, insecureHTTPParser: false },
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
      resolve({ ok: false, sent, refusal: failureOf(address.provider, error, timedOut) });
    });
    request.end(body);
  });
}

const TLS = /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH)/;

function failureOf(provider: string, cause: Error, timedOut: 'late' | 'connect' | null): VaultError {
  const code = 'code' in cause && /^[A-Z_]{1,40}$/.test(String(cause.code)) ? String(cause.code) : 'UNKNOWN';
  const known = `llm.provider:${timedOut ?? code}`;
  const name = TLS.test(code) ? 'llm.provider.tls' : isRefusalName(known) ? known : 'llm.provider:away';
  return refusal(name, { provider, code }, cause);
}
