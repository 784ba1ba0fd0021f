import type { IncomingHttpHeaders } from 'node:http2';
import { Readable } from 'node:stream';
import type { MeshAnswer, MeshCall, MeshClient } from '../pipe/pipe.ts';

export interface FakeAnswer {
  status?: number;
  headers?: IncomingHttpHeaders;
  /** An error among the pieces breaks the body off there. */
  body?: string | (string | Error)[] | Record<string, unknown>;
}

export interface SeenCall {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: unknown;
}

export const ROUTE = {
  model: 'scripted/assistant',
  dialect: 'openai-chat',
  contextTokens: 128_000,
  maxOutputTokens: 8192,
};

/**
 * A mesh of canned answers. `answers` are given to model calls in turn (the last one again and again); routes are
 * answered with `route`, or with the first of `chain` that has not failed; anything else by `other`.
 */
export function fakeMesh(options: {
  answers?: readonly FakeAnswer[];
  route?: Record<string, unknown>;
  chain?: readonly { model: string; dialect: string }[];
  other?: (call: SeenCall) => FakeAnswer;
}): MeshClient & { calls: SeenCall[] } {
  const calls: SeenCall[] = [];
  let next = 0;
  return {
    calls,
    async call(call: MeshCall): Promise<MeshAnswer> {
      call.signal?.throwIfAborted();
      const body = typeof call.body === 'string' ? JSON.parse(call.body) : undefined;
      const seen = { method: call.method, path: call.path, headers: { ...call.headers }, body };
      calls.push(seen);
      if (call.path === '/mesh/route') return toAnswer(answerRoute(options, body));
      if (call.path.startsWith('/llm/')) {
        const answers = options.answers ?? [];
        return toAnswer(answers[Math.min(next++, answers.length - 1)] ?? { status: 500 });
      }
      return toAnswer(options.other?.(seen) ?? { status: 404 });
    },
  };
}

function answerRoute(
  { route, chain }: Pick<Parameters<typeof fakeMesh>[0], 'route' | 'chain'>,
  asked: { failed: string[] },
): FakeAnswer {
  if (!chain) return { body: { ...ROUTE, ...route } };
  const next = chain.find(({ model }) => !asked.failed.includes(model));
  if (next) return { body: { ...ROUTE, ...next } };
  const refusal = {
    code: 'unavailable',
    rule: 'llm.failover',
    message: 'Every model failed.',
    remedy: 'Wait.',
  };
  return { status: 503, body: { type: 'error', error: { type: 'openlegion_refusal', ...refusal } } };
}

function toAnswer({ status = 200, headers = {}, body = '' }: FakeAnswer): MeshAnswer {
  const pieces = Array.isArray(body) ? body : [typeof body === 'string' ? body : JSON.stringify(body)];
  const type = typeof body === 'string' || Array.isArray(body) ? 'text/event-stream' : 'application/json';
  return { status, headers: { 'content-type': type, ...headers }, body: Readable.from(bytes(pieces)) };
}

async function* bytes(pieces: readonly (string | Error)[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) {
    if (piece instanceof Error) throw piece;
    yield Buffer.from(piece);
  }
}
