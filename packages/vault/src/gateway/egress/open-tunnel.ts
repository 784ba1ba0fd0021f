import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Caller } from '../read-caller.ts';
import type { Admission } from './admissions.ts';
import type { Authorities } from './authorities.ts';
import type { Dialer } from './dial.ts';
import { findTokens } from './find-tokens.ts';
import type { ForwardParts } from './forward-request.ts';
import { malformed, type Place, parseAuthority, parseHost } from './read-place.ts';
import { splice } from './relay-upgrade.ts';

export interface TunnelParts extends ForwardParts {
  dialer: Dialer;
  authorities: Authorities;
  /** Reads requests out of what is inside a tunnel. */
  serve(inside: { caller: Caller; socket: Duplex; tunnel: Place; tls: TLSSocket | null }): void;
}

const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';
/** RFC 8446, section 5.1: the type of a handshake record, which no request begins with. */
const HANDSHAKE = 0x16;

/**
 * A CONNECT: refused (thrown, nothing was answered), spliced where the operator said so, or opened here, so that
 * each request in it is decided. The tunnel itself is admitted too, and closed when that is revoked.
 */
export async function openTunnel(
  parts: TunnelParts,
  caller: Caller,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const place = parseAuthority(request.url ?? '', null);
  const { host } = request.headers;
  if (!place || (host !== undefined && parseAuthority(host, place.port)?.host !== place.host))
    throw malformed('the target of CONNECT');
  parts.limits.request(caller.agent);
  const tokens = findTokens('', request.rawHeaders);
  const asked = { kind: 'tunnel', method: 'CONNECT', ...place, path: '', tokens, service: null } as const;
  const admission = await parts.admissions.admit({ ...caller, ...asked }, () => socket.destroy());
  if (admission.answer.mode === 'opaque')
    return spliceOpaque(parts, caller, place, { socket, head }, admission);
  try {
    const secureContext = place.port === 80 ? null : await parts.authorities.leaf(caller.agent, place.host);
    socket.once('close', () => admission.done({ httpStatus: 200, bytesUp: 0, bytesDown: 0 }));
    if (socket.destroyed) throw new Error('the program left');
    socket.write(ESTABLISHED);
    if (head.length > 0) socket.unshift(head);
    const first = await firstByte(socket);
    const inside = { caller, socket, tunnel: place };
    if (first !== HANDSHAKE || !secureContext) return parts.serve({ ...inside, tls: null });
    const tls = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] });
    tls.on('error', () => socket.destroy()).once('close', () => socket.destroy());
    parts.serve({ ...inside, socket: tls, tls });
  } catch (error) {
    admission.done({ httpStatus: 0, bytesUp: 0, bytesDown: 0 });
    throw error;
  }
}

/** What a program named in its handshake is the host of its tunnel; nothing is right only for an address. */
export function isOwnName(tls: TLSSocket, { host }: Place): boolean {
  const { servername } = tls as { servername?: string | false | null };
  return servername ? parseHost(servername) === host : isIP(host) !== 0;
}

/** Looks at it and leaves it there. Rejects when nothing comes. */
function firstByte(socket: Duplex): Promise<number> {
  return new Promise((resolve, reject) => {
    const left = (): void => reject(new Error('the program left'));
    const look = (): void => {
      const chunk: Buffer | null = socket.read();
      if (chunk === null) return;
      socket.off('readable', look).off('close', left).off('end', left);
      socket.unshift(chunk);
      resolve(chunk[0] ?? 0);
    };
    socket.on('readable', look).once('close', left).once('end', left);
  });
}

async function spliceOpaque(
  { dialer, limits, clock }: TunnelParts,
  { agent }: Caller,
  place: Place,
  client: { socket: Duplex; head: Buffer },
  admission: Admission,
): Promise<void> {
  const outcome = { httpStatus: 0, bytesUp: 0, bytesDown: 0 };
  const counted = (direction: 'bytesUp' | 'bytesDown') => ({
    clock,
    waitMs(bytes: number): number {
      outcome[direction] += bytes;
      return limits.waitMs(agent, bytes);
    },
  });
  try {
    const socket = await dialer.dial(place, false);
    outcome.httpStatus = 200;
    client.socket.write(ESTABLISHED);
    const flows = { up: counted('bytesUp'), down: counted('bytesDown') };
    await splice(client, { socket, head: Buffer.alloc(0) }, flows, null);
  } finally {
    admission.done(outcome);
  }
}
