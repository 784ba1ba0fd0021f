import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import type { EgressSettings } from '@openlegion/contract/gateway-protocol';
import { refuse } from '../refuse.ts';
import type { EgressClock } from './egress-clock.ts';
import { isPinnable, isPublic } from './forbidden-address.ts';
import { type Place, parseHost } from './read-place.ts';
import type { ResolveHost } from './resolve-host.ts';

export interface Dialer {
  /**
   * A connection to the place: its name resolved once, every answer checked, a checked address dialled and seen at
   * the other end. With `secure` its certificate was verified for the host against the public roots and the
   * operator's. Throws refusals: one and the same for all that is not public or not there, `upstream_failed` beyond.
   */
  dial(place: Place, secure: boolean): Promise<Socket>;
  configure(settings: Pick<EgressSettings, 'extraRootsPem' | 'hosts'>): void;
}

const CONNECT_MS = 10_000;
/** Of a name with many addresses no more are tried. */
const MOST_ATTEMPTS = 3;

export function createDialer(parts: { resolve: ResolveHost; clock: EgressClock }): Dialer {
  let trusted: SecureContext | null = null;
  // Explicit: no environment variable may switch the check off or add to it, and no agent's authority is here.
  const trust = (...more: string[]): SecureContext =>
    createSecureContext({ ca: [...rootCertificates, ...more], minVersion: 'TLSv1.2' });
  let pins = new Map<string, { address: string; port: number | null }>();

  async function addressesOf({ host, port }: Place): Promise<Place[]> {
    const pin = pins.get(host);
    if (pin) {
      if (!isPinnable(pin.address)) throw nowhere(host);
      return [{ host: pin.address, port: pin.port ?? port }];
    }
    const addresses = isIP(host) ? [host] : await parts.resolve(host).catch(() => []);
    if (addresses.length === 0 || !addresses.every(isPublic)) throw nowhere(host);
    return addresses.slice(0, MOST_ATTEMPTS).map((address) => ({ host: address, port }));
  }

  return {
    async dial(place, secure) {
      const addresses = await addressesOf(place);
      trusted ??= trust();
      const context = trusted;
      let cause: unknown;
      for (const address of addresses) {
        try {
          const socket = await connected(parts.clock, connectTcp({ ...address, noDelay: true }), 'connect');
          if (!sameAddress(socket.remoteAddress, address.host)) {
            socket.destroy();
            throw new Error('another address answers');
          }
          return secure ? await secured(parts.clock, socket, place.host, context) : socket;
        } catch (error) {
          cause = error;
        }
      }
      throw describe(place, cause);
    },
    configure({ extraRootsPem, hosts }) {
      trusted = extraRootsPem === null ? trust() : trust(extraRootsPem);
      pins = new Map(hosts.map(({ host, address, port }) => [parseHost(host) ?? '', { address, port }]));
    },
  };
}

function connected<S extends Socket>(
  clock: EgressClock,
  socket: S,
  event: 'connect' | 'secureConnect',
): Promise<S> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(CONNECT_MS, () => socket.destroy(new Error('no connection in time')));
    const failed = (error?: Error): void => {
      cancel();
      reject(error ?? new Error('closed'));
    };
    socket.once('error', failed);
    socket.once('close', () => failed());
    socket.once(event, () => {
      cancel();
      socket.off('error', failed);
      // Whoever uses it hears of errors; between two requests nobody may be there to.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

/** Closes what lies below when it fails, so that no half of a connection stays. */
async function secured(
  clock: EgressClock,
  socket: Socket,
  host: string,
  secureContext: SecureContext,
): Promise<Socket> {
  const secure = connectTls({
    socket,
    host,
    secureContext,
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1'],
    ...(isIP(host) ? {} : { servername: host }),
  });
  try {
    return await connected(clock, secure, 'secureConnect');
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function sameAddress(seen: string | undefined, wanted: string): boolean {
  const canonical = (address: string): string | null =>
    parseHost(isIP(address) === 6 ? `[${address}]` : address);
  return seen !== undefined && canonical(seen) === canonical(wanted);
}

/** One answer for what may not be dialled and what is not there, so that nothing about a network can be learned from it. */
function nowhere(host: string) {
  return refuse(
    'denied',
    'egress.address',
    `${host} has no public address.`,
    'If it is a host of your own, an operator points the name at its address under egress.hosts in config/mesh.yaml.',
  );
}

function describe({ host, port }: Place, cause: unknown) {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (!/^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH)/.test(code))
    return refuse(
      'upstream_failed',
      'egress.upstream',
      `${host}:${port} cannot be reached.`,
      'Try again later.',
      { cause },
    );
  return refuse(
    'upstream_failed',
    'egress.tls',
    `The certificate of ${host}:${port} was not accepted (${code.slice(0, 60)}); nothing was sent.`,
    'A private certificate needs its root in egress.extra_roots of config/mesh.yaml.',
    { cause },
  );
}
