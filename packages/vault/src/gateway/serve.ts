import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Duplex } from 'node:stream';
import type { ModelHealth, ProviderList } from '@openlegion/contract/gateway-protocol';
import type { Refusal } from '@openlegion/contract/refusal';
import { parseProviderList } from '../catalog/parse-provider.ts';
import { parseJson } from '../process/parse-json.ts';
import { refusal } from '../process/refusal.ts';
import { refusalStatus } from '../process/refusal-status.ts';
import { VaultError } from '../process/vault-error.ts';
import { answerRefusal, asRefusal, refusalBody } from './answer/answer-refusal.ts';
import type { Egress } from './egress/create-egress.ts';
import { type CallParts, handleCall } from './handle-call.ts';
import { parseEgressSettings } from './parse-egress-settings.ts';
import { readBody } from './read-body.ts';
import { readCaller } from './read-caller.ts';

export interface ServeParts extends CallParts {
  egress: Egress;
  uid: number;
  pid: number;
}

/** Node reads a chunked body strictly; a request that two parsers could end in two places is answered 400 and closed. */
const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  /** For a whole request, body included. */
  requestTimeout: 60_000,
  keepAliveTimeout: 30_000,
  insecureHTTPParser: false,
  requireHostHeader: true,
} as const;

/** Model calls, and 48 connections to the outside of each agent at work. */
const MOST_CONNECTIONS = 4096;

/** The gateway as a server that does not listen yet. */
export function createGatewayServer(parts: ServeParts): Server {
  const server = createServer(LIMITS, (request, response) => {
    answer(parts, request, response).catch((error: unknown) => {
      // A caller that leaves within its own body is no fault of ours.
      if (!(error instanceof VaultError) && request.complete) parts.failed(error);
      // What is left of a body that was refused is not read: the connection ends with the answer.
      if (!request.complete) response.shouldKeepAlive = false;
      answerRefusal(response, asRefusal(error));
    });
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.maxRequestsPerSocket = 0;
  server.on('clientError', (_error, socket) => {
    if (socket.writable) endRaw(socket, refusal('http.request').refusal);
  });
  server.on('connect', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    try {
      if (request.url !== 'egress') throw refusal('llm.path:none');
      const caller = readCaller(request);
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      parts.egress.connect(socket, caller, head);
    } catch (error) {
      if (!(error instanceof VaultError)) parts.failed(error);
      endRaw(socket, asRefusal(error));
    }
  });
  return server;
}

function endRaw(socket: Duplex, refusal: Refusal): void {
  const body = refusalBody(refusal);
  const status = refusalStatus(refusal.code);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

const AUTHORITY = /^\/authority\/[a-z][a-z0-9-]{0,62}$/;

async function answer(parts: ServeParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url = '' } = request;
  if (url === '/health' && method === 'GET') {
    const { uid, pid, keeper, health } = parts;
    answerJson(response, {
      ok: keeper.isConnected(),
      uid,
      pid,
      models: health.all() satisfies ModelHealth[],
    });
  } else if (url === '/providers' && method === 'GET') {
    answerJson(response, { providers: parts.providers.all() } satisfies ProviderList);
  } else if (url === '/providers' && method === 'PUT') {
    parts.providers.replaceOwn(parseProviderList(parseJson(await readBody(request))));
    response.writeHead(204).end();
  } else if (url === '/egress' && method === 'PUT') {
    const settings = parseEgressSettings(parseJson(await readBody(request)), '');
    parts.dialer.trust(settings.extraRootsPem);
    parts.egress.configure(settings);
    response.writeHead(204).end();
  } else if (AUTHORITY.test(url) && method === 'GET') {
    const certificatePem = await parts.egress.certificateOf(url.slice('/authority/'.length));
    answerJson(response, { certificatePem });
  } else if (url.startsWith('/services/')) {
    await parts.egress.service(request, response, readCaller(request));
  } else if (url.startsWith('/llm/') && method === 'POST') {
    await handleCall(parts, request, response);
  } else {
    throw refusal(url.startsWith('/llm/') ? 'llm.path:unlisted' : 'llm.path:none');
  }
}

function answerJson(response: ServerResponse, value: object): void {
  const body = JSON.stringify(value);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
