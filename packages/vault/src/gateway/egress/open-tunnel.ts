import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { malformed, type Place, parseAuthority, parseHost } from '../../address/read-place.ts';
import { createScrubber } from '../../scrub/scrub.ts';
import type { Caller } from '../read-caller.ts';
import type { Authorities } from './authorities.ts';
import type { Incoming } from './client-connection.ts';
import type { Dialer } from './dial.ts';
import { findTokens } from './find-tokens.ts';
import { type ForwardParts, paceOf } from './forward-request.ts';
import { splice } from './relay-answer.ts';

export interface TunnelParts extends ForwardParts {
  dialer: Dialer;
  authorities: Authorities;
  /** Reads requests out of what is inside a tunnel. */
  serve(inside: Incoming): void;
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
  const tunnel = parseAuthority(request.url ?? '', null);
  const { host } = request.headers;
  if (!tunnel || (host !== undefined && parseAuthority(host, tunnel.port)?.host !== tunnel.host))
    throw malformed('the target of CONNECT');
  parts.limits.request(caller.agent);
  const tokens = findTokens('', request.rawHeaders);
  const asked = { kind: 'tunnel', method: 'CONNECT', ...tunnel, path: '', tokens, service: null } as const;
  const admission = await parts.admissions.admit({ ...caller, ...asked }, () => socket.destroy());
  const outcome = { httpStatus: 0, bytesUp: 0, bytesDown: 0 };
  // Whoever left while the keeper was asked is not heard leaving again.
  if (socket.closed) admission.done(outcome);
  else socket.once('close', () => admission.done(outcome));
  if (admission.answer.mode === 'opaque') {
    const upstream = await parts.dialer.dial(tunnel, false);
    outcome.httpStatus = 200;
    socket.write(ESTABLISHED);
    const client = { socket, head, pace: paceOf(parts, caller.agent, outcome, 'bytesUp') };
    const pace = paceOf(parts, caller.agent, outcome, 'bytesDown');
    return splice(client, { socket: upstream, head: Buffer.alloc(0), pace }, createScrubber([]));
  }
  const secureContext = tunnel.port === 80 ? null : await parts.authorities.leaf(caller.agent, tunnel.host);
  if (socket.destroyed) throw new Error('the program left');
  outcome.httpStatus = 200;
  socket.write(ESTABLISHED);
  if (head.length > 0) socket.unshift(head);
  // The two handshakes at once: the place is admitted, and nothing is sent to it before a request is.
  const first = secureContext ? parts.dialer.dial(tunnel, true) : undefined;
  first?.catch(() => {});
  const drop = (): void =>
    void first?.then(
      (upstream) => upstream.destroy(),
      () => {},
    );
  socket.once('close', drop);
  if ((await firstByte(socket)) !== HANDSHAKE || !secureContext || !first) {
    drop();
    return parts.serve({ caller, socket, tunnel, tls: null });
  }
  const tls = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] });
  tls.on('error', () => socket.destroy()).once('close', () => socket.destroy());
  parts.serve({ caller, socket: tls, tunnel, tls, first });
}

/** What a program named in its handshake is the host of its tunnel; naming nothing is right only for an address. */
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
    if (socket.readableEnded || socket.destroyed) left();
  });
}
