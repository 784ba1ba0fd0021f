/*
 * any program in the container → 127.0.0.1:8400 → guard → route
 *   ├── /v1/… of the provider's own dialect: passed through ──┐
 *   ├── /v1/… of another: wire → neutral → adapter of the dialect ──┤→ pipe
 *   └── /services/…: as it is ─────────────────────────────────┘
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { MeshClient } from '../pipe/pipe.ts';
import { answerRequest } from './answer-request.ts';
import { guardRequest } from './guard-request.ts';
import { sendRefusal } from './send-refusal.ts';

/** Requests under way at a time; the host takes 16 model calls of one agent, and its own loop needs one. */
const REQUESTS_AT_A_TIME = 15;

export interface ModelEndpointParts {
  mesh: MeshClient;
  /** The agent's own model: `provider/model`. */
  model: () => string;
  log: (error: unknown) => void;
}

export interface ModelEndpoint {
  /** Serves one connection of a program of the container. The address it came to is the name it must call us by. */
  accept(socket: Socket): void;
}

/**
 * The model endpoint for other programs of the container: OpenAI's and Anthropic's interfaces, whatever dialect the
 * provider speaks, and `/services/…`. It only forwards into the pipe and holds nothing: any key is ignored, and the
 * host decides. Refuses what a web page could send. To be loaded with the first connection, for it is large.
 */
export function createModelEndpoint(parts: ModelEndpointParts): ModelEndpoint {
  let underWay = 0;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const refusal = guardRequest(request.headers, request.socket.localPort ?? 0);
    if (refusal) return sendRefusal(response, refusal);
    if (underWay >= REQUESTS_AT_A_TIME) return sendRefusal(response, TOO_MANY);
    underWay++;
    try {
      await answerRequest(parts, request, response);
    } finally {
      underWay--;
    }
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      parts.log(error);
      if (response.headersSent) response.destroy();
      else sendRefusal(response, FAILED);
    });
  });
  return { accept: (socket) => void server.emit('connection', socket) };
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
