/*
 * any program in the container → 127.0.0.1:8400 → guard → (loaded with the first request) endpoint-routes.ts → pipe
 *
 * What is loaded before the first request is this file and Node's http: an idle agent pays for nothing else.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { MeshClient } from '../pipe/pipe.ts';
import { guardRequest } from './guard-request.ts';
import { sendRefusal } from './send-refusal.ts';

export const MODEL_ENDPOINT_PORT = 8400;
/** Requests under way at a time; the host takes 16 model calls of one agent, and its own loop needs one. */
const REQUESTS_AT_A_TIME = 15;

export interface ModelEndpointParts {
  mesh: MeshClient;
  /** The agent's own model (`provider/model`), undefined until the host has started it. */
  model: () => string | undefined;
  log: (error: unknown) => void;
}

export interface ModelEndpoint {
  /** Listens on loopback only and resolves with the port; rejects where it is taken. Port 0: any, for tests. */
  listen(port?: number): Promise<number>;
  /** Serves one connection that was accepted elsewhere. */
  accept(socket: Socket): void;
  close(): Promise<void>;
}

/**
 * The model endpoint for other programs of the container: OpenAI's and Anthropic's interfaces, whatever dialect the
 * provider speaks, and `/services/…`. It only forwards into the pipe and holds nothing: any key is ignored, and the
 * host decides. Refuses what a web page could send.
 */
export function createModelEndpoint(parts: ModelEndpointParts): ModelEndpoint {
  let routes: Promise<typeof import('./endpoint-routes.ts')> | undefined;
  let under = 0;
  let port = MODEL_ENDPOINT_PORT;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const refusal = guardRequest(request.headers, port);
    if (refusal) return sendRefusal(response, refusal);
    if (under >= REQUESTS_AT_A_TIME) return sendRefusal(response, TOO_MANY);
    under++;
    try {
      routes ??= import('./endpoint-routes.ts');
      const { answerRequest } = await routes;
      await answerRequest(parts, request, response);
    } finally {
      under--;
    }
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      parts.log(error);
      if (response.headersSent) response.destroy();
      else sendRefusal(response, FAILED);
    });
  });

  return {
    listen: (wanted = MODEL_ENDPOINT_PORT) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(wanted, '127.0.0.1', () => {
          ({ port } = server.address() as AddressInfo);
          server.off('error', reject);
          resolve(port);
        });
      }),
    accept: (socket) => void server.emit('connection', socket),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const TOO_MANY = {
  code: 'rate_limited',
  rule: 'endpoint.concurrent',
  message: `More than ${REQUESTS_AT_A_TIME} requests at a time.`,
  remedy: 'Wait for one to end.',
} as const;

const FAILED = {
  code: 'internal',
  rule: 'endpoint',
  message: 'The model endpoint failed in a way it did not expect.',
  remedy: 'The agent’s standard error says more; send the request again.',
} as const;
