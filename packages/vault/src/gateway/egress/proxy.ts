import { createServer, type IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { VaultError } from '../../process/vault-error.ts';
import { asRefusal } from '../answer/answer-refusal.ts';
import { refuse } from '../refuse.ts';
import { answerClient, MISDIRECTED, refusedConnect } from './answer-client.ts';
import { type ClientConnection, createUpstreams } from './client-connection.ts';
import { type Ask, forwardRequest, type Upgraded } from './forward-request.ts';
import { isOwnName, openTunnel, type TunnelParts } from './open-tunnel.ts';
import { checkPath, malformed, parseAbsolute, parseAuthority } from './read-place.ts';
import { checkFraming } from './request-headers.ts';

export interface Proxy {
  /** Reads requests from a connection until it closes. */
  accept(from: Pick<ClientConnection, 'caller' | 'socket' | 'tunnel' | 'tls'>): void;
}

export interface ProxyParts extends Omit<TunnelParts, 'serve'> {
  /** For faults of ours; must not print what it is given. */
  failed(error: unknown): void;
}

/** For the next request's head, from the end of the last; also for the handshake in a tunnel. */
const HEAD_MS = 60_000;

/**
 * The server of the proxy itself and of what is inside its tunnels: Node's strict parser on connections that are given
 * to it, none of which it listens for. What cannot be read in one way is answered 400 and closed.
 */
export function createProxy(parts: ProxyParts): Proxy {
  const connections = new WeakMap<Duplex, ClientConnection>();
  const idle = new WeakMap<Duplex, { busy(): void; free(): void }>();
  const strict = { insecureHTTPParser: false, requireHostHeader: true, maxHeaderSize: 32 * 1024 } as const;
  const server = createServer(
    {
      ...strict,
      keepAliveTimeout: 0,
      // Other upgrades (h2c, which some clients offer with every request) are not taken up, as HTTP allows.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
    },
    (request, response) => void handle(request, response, null),
  );
  server.on('checkContinue', (request, response) => void handle(request, response, null));
  server.on('checkExpectation', (request, response) => void handle(request, response, null));
  server.on('upgrade', (request, socket, head) => {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(request.socket);
    socket.on('error', () => socket.destroy());
    socket.on('drain', () => response.emit('drain'));
    response.once('finish', () => socket.end());
    void handle(request, response, { socket, head });
  });
  server.on('connect', (request, socket, head) => {
    const connection = connections.get(request.socket);
    // What is inside waits for its requests itself.
    idle.get(request.socket)?.busy();
    socket.on('error', () => socket.destroy());
    const opened =
      connection?.tunnel === null
        ? openTunnel(tunnelParts, connection.caller, request, socket, head)
        : Promise.reject(malformed('CONNECT within a tunnel'));
    opened.catch((error: unknown) => {
      if (socket.writable) socket.end(refusedConnect(asRefusal(error)));
      else socket.destroy();
    });
  });
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end(refusedConnect(MALFORMED.refusal));
    else socket.destroy();
  });

  function accept(from: Parameters<Proxy['accept']>[0]): void {
    const { socket, tls } = from;
    const upstreams = createUpstreams(parts.dialer, tls !== null);
    connections.set(socket, { ...from, upstreams, secure: tls !== null });
    let requests = 0;
    let cancel = parts.clock.after(HEAD_MS, () => socket.destroy());
    idle.set(socket, {
      busy() {
        requests += 1;
        cancel();
      },
      free() {
        requests -= 1;
        if (requests === 0) cancel = parts.clock.after(HEAD_MS, () => socket.destroy());
      },
    });
    socket.once('close', () => {
      cancel();
      upstreams.destroy();
    });
    server.emit('connection', socket);
  }
  const tunnelParts: TunnelParts = { ...parts, serve: accept };

  async function handle(
    request: IncomingMessage,
    response: ServerResponse,
    upgraded: Upgraded | null,
  ): Promise<void> {
    const connection = connections.get(request.socket);
    const watch = idle.get(request.socket);
    if (!connection) return;
    watch?.busy();
    response.once('close', () => watch?.free());
    try {
      const ask = read(connection, request, upgraded !== null);
      await forwardRequest(parts, connection, ask, request, response, upgraded);
    } catch (error) {
      if (!(error instanceof VaultError)) parts.failed(error);
      answerClient(parts.clock, request, response, asRefusal(error));
    }
  }
  return { accept };
}

/** The same checks for every request of a kept-alive connection: nothing is taken from the one before. */
function read({ tunnel, tls }: ClientConnection, request: IncomingMessage, upgrade: boolean): Ask {
  checkFraming(request);
  const { url = '', method, headers } = request;
  if (method === 'TRACE' || (upgrade && (method !== 'GET' || hasBody(request)))) throw NO_METHOD;
  const target = tunnel ? { ...tunnel, path: checkPath(url) } : parseAbsolute(url);
  const named = parseAuthority(headers.host ?? '', tls ? 443 : 80);
  const isTunnels = named?.host === target.host && named.port === target.port;
  if (!isTunnels || (tunnel && tls && !isOwnName(tls, tunnel))) throw ELSEWHERE;
  const { path, ...place } = target;
  return { kind: tls ? 'https' : 'http', place, path, service: null };
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

const MALFORMED = malformed('it is not HTTP/1.1');
const NO_METHOD = refuse('denied', 'egress.method', 'This method is not sent on.', 'Use another method.');
const ELSEWHERE = refuse(
  'bad_request',
  MISDIRECTED,
  'The connection, its TLS name and the Host header are not of one and the same host.',
  'Open a connection for each host, and send its name in the TLS handshake.',
);
