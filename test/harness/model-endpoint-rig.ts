import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { Dialect } from '@openlegion/contract/catalog';
import type { RefusalBody } from '@openlegion/contract/refusal';
import { createModelEndpoint } from '../../packages/agent/src/endpoint/create-model-endpoint.ts';
import type { MeshAnswer, MeshCall } from '../../packages/agent/src/pipe/pipe.ts';
import { createDialects } from '../../packages/vault/src/gateway/dialect/dialects.ts';

export interface FakeAnswer {
  status?: number;
  headers?: IncomingHttpHeaders;
  /** Pieces of a body; an error breaks it off, `never` leaves it open. */
  body: object | readonly (string | Error | 'never')[];
}

export interface SeenCall {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Record<string, unknown>;
  signal: AbortSignal | undefined;
}

export interface EndpointRig extends AsyncDisposable {
  url: string;
  /** Calls of models and services, as they reached the pipe. */
  calls: SeenCall[];
  routes: { model: string; failed: string[] }[];
}

const MODELS: Record<string, Dialect> = {
  openai: 'openai-responses',
  anthropic: 'anthropic',
  google: 'google',
};

export function dialectOf(model: string): Dialect {
  return MODELS[model.slice(0, model.indexOf('/'))] ?? 'openai-chat';
}

/**
 * The model endpoint on a mesh that answers from a table. Every model call is held to the gateway's own rules of its
 * dialect first, so that a request that the gateway would refuse is refused here.
 */
export async function startEndpoint(options: {
  /** The agent's own model, then what it fails over to. */
  chain: readonly string[];
  answer: (call: SeenCall, nth: number) => FakeAnswer;
}): Promise<EndpointRig> {
  const calls: SeenCall[] = [];
  const routes: EndpointRig['routes'] = [];
  const rules = createDialects();
  const route = (model: string) => ({
    model,
    dialect: dialectOf(model),
    contextTokens: 128_000,
    maxOutputTokens: 32_000,
  });
  const answerOf = ({ method, path, headers = {}, body, signal }: MeshCall): FakeAnswer => {
    const text = body === undefined ? '' : Buffer.from(body).toString('utf8');
    if (path === '/mesh/models')
      return {
        body: {
          models: options.chain.map((model) => ({ ...route(model), embedding: model.includes('embed') })),
        },
      };
    if (path === '/mesh/route') {
      const asked = JSON.parse(text) as { model: string; failed: string[] };
      routes.push(asked);
      if (!options.chain.includes(asked.model)) return refused('denied', 'agents.a.model', 403);
      const next = [asked.model, ...options.chain].find((model) => !asked.failed.includes(model));
      return next ? { body: route(next) } : refused('unavailable', 'llm.failover', 503);
    }
    const isJson = path.startsWith('/llm/');
    const call: SeenCall = {
      method,
      path,
      headers: { ...headers },
      body: isJson ? JSON.parse(text) : { text },
      signal,
    };
    const [, provider = '', below = ''] = /^\/llm\/([^/]+)\/(.*)$/.exec(path) ?? [];
    if (isJson) {
      const dialect = rules.get(dialectOf(`${provider}/`));
      const found = dialect?.route(below);
      if (!dialect || !found) return refused('not_found', 'llm.path', 404);
      try {
        dialect.ask(found, JSON.parse(text), () => true);
      } catch (error) {
        const { rule = 'llm', message = '' } = error as { rule?: string; message?: string };
        return refused('bad_request', `${rule}: ${message}`, 400);
      }
    }
    calls.push(call);
    return options.answer(call, calls.length - 1);
  };
  const endpoint = createModelEndpoint({
    mesh: { call: async (call) => toAnswer(answerOf(call), call.signal) },
    model: () => options.chain[0] ?? '',
    log: (error) => console.error(error),
  });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    endpoint.accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    routes,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function refused(code: RefusalBody['error']['code'], rule: string, status: number): FakeAnswer {
  const error = { type: 'openlegion_refusal' as const, code, rule, message: 'refused', remedy: 'none' };
  return { status, body: { type: 'error', error } satisfies RefusalBody };
}

function toAnswer(
  { status = 200, headers = {}, body }: FakeAnswer,
  signal: AbortSignal | undefined,
): MeshAnswer {
  const type = Array.isArray(body) ? 'text/event-stream' : 'application/json';
  const pieces = Array.isArray(body) ? body : [JSON.stringify(body)];
  const stream = Readable.from(bytes(pieces, signal), { objectMode: false });
  // As on the pipe: an abort after the headers ends the body with it.
  signal?.addEventListener('abort', () => stream.destroy(new Error('aborted')));
  stream.on('error', () => {});
  return { status, headers: { 'content-type': type, ...headers }, body: stream };
}

async function* bytes(pieces: readonly (string | Error)[], signal: AbortSignal | undefined) {
  for (const piece of pieces) {
    if (piece instanceof Error) throw piece;
    if (piece === 'never')
      await new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    yield Buffer.from(piece);
  }
}
