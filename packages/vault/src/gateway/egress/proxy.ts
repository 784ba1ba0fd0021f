import { createServer, type IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { checkPath, malformed, parseAbsolute, parseAuthority } from '../../address/read-place.ts';
import { refuse } from '../../process/refuse.ts';
import { VaultError } from '../../process/vault-error.ts';
import { asRefusal } from '../answer/answer-refusal.ts';
import { answerClient, endAndDrain, MISDIRECTED, refusedRaw } from './answer-client.ts';
import { type ClientConnection, createUpstreams, type Incoming } from './client-connection.ts';
import { type Ask, forwardRequest } from './forward-request.ts';
import { isOwnName, openTunnel, type TunnelParts } from './open-tunnel.ts';
import { checkFraming } from './request-headers.ts';

export interface ProxyParts extends Omit<TunnelParts, 'serve'> {
  /** For faults of ours; must not print what it is given. */
  failed(error: unknown): void;
}

/** For the next request's head, from the end of the last; also for the handshake in a tunnel. */
const HEAD_MS = 60_000;

/** One connection, how many requests are under way on it, and whether one of them could not be read. */
interface Served extends ClientConnection {
  requests: number;
  isBroken: boolean;
  cancel(): void;
}

/**
 * The server of the proxy itself and of what is inside its tunnels: Node's strict parser on connections that are given
 * to it, none of which it listens for. What cannot be read in one way is answered 400 and closed. The function
 * returned reads requests from one connection until it closes.
 */
export function createProxy(parts: ProxyParts): TunnelParts['serve'] {
  const { clock } = parts;
  const connections = new WeakMap<Duplex, Served>();
  // Other upgrades (h2c, which some clients offer with every request) are not taken up, as HTTP allows.
  const isWebSocket = ({ headers }: IncomingMessage): boolean =>
    headers.upgrade?.toLowerCase() === 'websocket';
  const server = createServer({
    // A missing Host is refused here, not by Node, which would read on behind it.
    ...{ insecureHTTPParser: false, requireHostHeader: false, maxHeaderSize: 32 * 1024 },
    ...{ keepAliveTimeout: 0, shouldUpgradeCallback: isWebSocket },
  });
  for (const event of ['request', 'checkContinue', 'checkExpectation'])
    server.on(
      event,
      (request: IncomingMessage, response: ServerResponse) => void handle(request, response, null),
    );
  // The connection is still the answer's to the request before, into which nothing may be written.
  const isBehindAnother = ({ socket }: IncomingMessage): boolean => {
    const from = connections.get(socket);
    return !from || from.isBroken || from.requests > 0;
  };
  server.on('upgrade', (request, socket, head) => {
    if (isBehindAnother(request)) return void socket.destroy();
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(request.socket);
    socket.on('error', () => socket.destroy()).on('drain', () => response.emit('drain'));
    response.once('finish', () => endAndDrain(socket));
    void handle(request, response, { socket, head });
  });
  server.on('connect', (request, socket, head) => {
    const from = connections.get(request.socket);
    if (isBehindAnother(request)) return void socket.destroy();
    // What is inside waits for its requests itself.
    from?.cancel();
    socket.on('error', () => socket.destroy());
    const opened =
      from && from.tunnel === null
        ? openTunnel({ ...parts, serve }, from.caller, request, socket, head)
        : Promise.reject(malformed('CONNECT within a tunnel'));
    opened.catch((error: unknown) => {
      if (socket.writable) endAndDrain(socket, refusedRaw(asRefusal(error)));
      else socket.destroy();
    });
  });
  server.on('clientError', (_error, socket) => {
    if (socket.writable) endAndDrain(socket, refusedRaw(malformed('it is not HTTP/1.1').refusal));
    else socket.destroy();
  });

  function serve({ first, ...from }: Incoming): void {
    const { socket, tls } = from;
    const secure = tls !== null;
    const upstreams = createUpstreams(parts.dialer, secure, first);
    const cancel = clock.after(HEAD_MS, () => socket.destroy());
    const served: Served = { ...from, secure, upstreams, requests: 0, isBroken: false, cancel };
    connections.set(socket, served);
    socket.once('close', () => {
      served.cancel();
      upstreams.destroy();
    });
    server.emit('connection', socket);
  }

  async function handle(
    request: IncomingMessage,
    response: ServerResponse,
    upgraded: Ask['upgraded'],
  ): Promise<void> {
    const from = connections.get(request.socket);
    // After what could be read in two ways nothing is read: it may be a part of it.
    if (!from || from.isBroken) return;
    from.cancel();
    from.requests += 1;
    response.once('close', () => {
      from.requests -= 1;
      if (from.requests === 0) from.cancel = clock.after(HEAD_MS, () => from.socket.destroy());
    });
    try {
      await forwardRequest(parts, from, {
        ...read(from, request, upgraded !== null),
        request,
        response,
        upgraded,
      });
    } catch (error) {
      if (!(error instanceof VaultError)) parts.failed(error);
      const refusal = asRefusal(error);
      from.isBroken = refusal.code === 'bad_request';
      if (from.isBroken) response.shouldKeepAlive = false;
      answerClient(clock, request, response, refusal);
    }
  }
  return serve;
}

/** The same checks for every request of a kept-alive connection: nothing is taken from the one before. */
function read({ tunnel, tls }: ClientConnection, request: IncomingMessage, upgrade: boolean) {
  checkFraming(request);
  const { url = '', method, headers } = request;
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (method === 'TRACE' || (upgrade && (method !== 'GET' || hasBody)))
    throw refuse('denied', 'egress.method', 'This method is not sent on.', 'Use another method.');
  const { path, ...place } = tunnel ? { ...tunnel, path: checkPath(url) } : parseAbsolute(url);
  const named = parseAuthority(headers.host ?? '', tls ? 443 : 80);
  const isNamed = named?.host === place.host && named.port === place.port;
  if (isNamed && (!tunnel || !tls || isOwnName(tls, tunnel)))
    return { kind: tls ? 'https' : 'http', place, path, service: null } as const;
  const message = 'The connection, its TLS name and the Host header are not of one and the same host.';
  const remedy = 'Open a connection for each host, and send its name in the TLS handshake.';
  throw refuse('bad_request', MISDIRECTED, message, remedy);
}
