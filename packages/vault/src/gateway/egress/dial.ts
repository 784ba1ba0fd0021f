import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import type { EgressSettings } from '@openlegion/contract/gateway-protocol';
import { isPinnable, isPublic } from '../../address/forbidden-address.ts';
import { type Place, parseHost } from '../../address/read-place.ts';
import type { ResolveHost } from '../../address/resolve-host.ts';
import { refuse } from '../../process/refuse.ts';
import type { EgressClock } from './egress-clock.ts';

export type Dialer = ReturnType<typeof createDialer>;

const CONNECT_MS = 10_000;
/** Of a name with many addresses no more are tried. */
const MOST_ATTEMPTS = 3;

export function createDialer({ resolve, clock }: { resolve: ResolveHost; clock: EgressClock }) {
  let pins = new Map<string, { address: string; port: number | null }>();
  let trusted: SecureContext | null = null;
  // Explicit: no environment variable may switch the check off or add to it, and no agent's authority is here.
  const trust = (...more: string[]): SecureContext =>
    createSecureContext({ ca: [...rootCertificates, ...more], minVersion: 'TLSv1.2' });

  async function addressesOf({ host, port }: Place): Promise<Place[]> {
    const pin = pins.get(host);
    const all = pin ? [pin.address] : isIP(host) ? [host] : await resolve(host).catch(() => []);
    if (all.length === 0 || !all.every(pin ? isPinnable : isPublic)) throw nowhere(host);
    return all.slice(0, MOST_ATTEMPTS).map((address) => ({ host: address, port: pin?.port ?? port }));
  }

  /** Null when it stands, or why it does not. Whoever uses it hears of later errors; between two uses nobody need. */
  function opened(socket: Socket, event: 'connect' | 'secureConnect'): Promise<string | null> {
    return new Promise((done) => {
      const cancel = clock.after(CONNECT_MS, () => socket.destroy());
      const end = (failure: string | null): void => {
        cancel();
        done(failure);
      };
      socket.once(event, () => end(null)).once('close', () => end('closed'));
      socket.on('error', (error) => end('code' in error ? String(error.code) : 'failed'));
    });
  }

  return {
    /**
     * A connection to the place: its name resolved once, every answer checked, a checked address dialled and seen at
     * the other end. With `secure` its certificate held for the host under the public roots or the operator's.
     * Throws refusals: one and the same for all that is not public or has no address, `upstream_failed` beyond.
     */
    async dial(place: Place, secure: boolean): Promise<Socket> {
      const { host } = place;
      const addresses = await addressesOf(place);
      trusted ??= trust();
      const secureContext = trusted;
      for (const to of addresses) {
        const socket = connectTcp({ ...to, noDelay: true });
        if ((await opened(socket, 'connect')) !== null || !isSame(socket.remoteAddress, to.host)) {
          socket.destroy();
          continue;
        }
        if (!secure) return socket;
        const name = isIP(host) ? {} : { servername: host };
        const checked = { rejectUnauthorized: true, ALPNProtocols: ['http/1.1'], secureContext, ...name };
        const tls = connectTls({ socket, host, ...checked });
        const failure = await opened(tls, 'secureConnect');
        if (failure === null) return tls;
        socket.destroy();
        throw distrusted(place, failure);
      }
      throw refuse(
        'upstream_failed',
        'egress.upstream',
        `${host}:${place.port} cannot be reached.`,
        'Try later.',
      );
    },
    configure({ extraRootsPem, hosts }: Pick<EgressSettings, 'extraRootsPem' | 'hosts'>): void {
      trusted = extraRootsPem === null ? trust() : trust(extraRootsPem);
      pins = new Map(hosts.map(({ host, address, port }) => [parseHost(host) ?? '', { address, port }]));
    },
  };
}

function isSame(seen: string | undefined, wanted: string): boolean {
  const canonical = (address: string): string | null =>
    parseHost(isIP(address) === 6 ? `[${address}]` : address);
  return seen !== undefined && canonical(seen) === canonical(wanted);
}

/** One answer for what may not be dialled and what is not there, so that nothing about a network can be learned from it. */
function nowhere(host: string) {
  const remedy =
    'If it is a host of your own, an operator gives its address under egress.hosts in config/mesh.yaml.';
  return refuse('denied', 'egress.address', `${host} has no public address.`, remedy);
}

function distrusted({ host, port }: Place, failure: string) {
  const message = `${host}:${port} did not prove that it is ${host} (${failure.slice(0, 60)}); nothing was sent.`;
  const remedy = 'A private certificate needs its root in egress.extra_roots of config/mesh.yaml.';
  return refuse('upstream_failed', 'egress.tls', message, remedy);
}
