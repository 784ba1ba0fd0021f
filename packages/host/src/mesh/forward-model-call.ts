import type { IncomingMessage } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { GATEWAY_TRAILERS } from '@openlegion/contract/gateway-protocol';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import type { MeshRequest } from '../pipe/pipe.ts';
import type { GatewayClient } from '../vault/gateway-client.ts';

/** The largest request to a model, images included. */
const MODEL_BODY_BYTES = 32 * 1024 * 1024;
/** Visible ASCII without what could end a header line, split a URL or be read twice. */
const MODEL_PATH =
  /^\/llm\/[a-z0-9][a-z0-9._-]{0,62}\/[A-Za-z0-9._~:/@+,;=%-]{1,500}(?:\?[A-Za-z0-9._~:/@+,;=%&-]{0,500})?$/;
/** Of the provider's answer, what the agent may see. */
const PASSED_HEADERS = ['content-type', 'retry-after', 'x-request-id'] as const;

const Trailers = z.object({
  [GATEWAY_TRAILERS.chargedMicroUsd]: z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number),
  [GATEWAY_TRAILERS.inputTokens]: z
    .string()
    .regex(/^\d{1,12}$/)
    .transform(Number),
  [GATEWAY_TRAILERS.outputTokens]: z
    .string()
    .regex(/^\d{1,12}$/)
    .transform(Number),
});

export interface ModelCharge {
  chargedMicroUsd: number;
  inputTokens: number;
  outputTokens: number;
}

/**
 * Passes one model call on to the gateway and its answer back, each side at the pace of the other; when either
 * goes away, so does the other. Of the agent's headers only content-type and accept go on; who it is and which
 * trace it belongs to are ours to say. Resolves with the cost when the answer has been passed on whole, null where
 * the gateway named none.
 */
export async function forwardModelCall(
  { path, headers, stream }: MeshRequest,
  caller: { agent: string; traceId: string },
  gateway: GatewayClient,
): Promise<ModelCharge | null> {
  if (!MODEL_PATH.test(path) || path.includes('/../') || path.includes('/./')) throw badPath();
  const abort = new AbortController();
  const gone = () => abort.abort();
  stream.once('close', gone);
  try {
    const answer = await gateway.call({
      method: 'POST',
      path,
      ...caller,
      headers: {
        'content-type': headers['content-type'] ?? 'application/json',
        ...(headers.accept === undefined ? {} : { accept: headers.accept }),
      },
      body: stream,
      maxBodyBytes: MODEL_BODY_BYTES,
      signal: abort.signal,
    });
    if (stream.destroyed || stream.closed) {
      answer.destroy();
      return null;
    }
    stream.respond({ ':status': answer.statusCode ?? 502, ...passedHeaders(answer) });
    // The end is ours to send, after the cost has been noted.
    await passOn(answer, stream);
    return chargeOf(answer);
  } finally {
    stream.off('close', gone);
  }
}

/** By hand: a pipeline costs more than the call's whole way through this file. Rejects when `answer` is cut off. */
function passOn(answer: IncomingMessage, stream: ServerHttp2Stream): Promise<void> {
  return new Promise((resolve, reject) => {
    answer.on('data', (chunk: Buffer) => {
      if (!stream.write(chunk)) answer.pause();
    });
    stream.on('drain', () => answer.resume());
    answer.on('end', resolve);
    answer.on('error', reject);
    answer.on('close', () => {
      if (!answer.readableEnded) reject(new Error('the answer was cut off'));
    });
  });
}

function passedHeaders(answer: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    PASSED_HEADERS.flatMap((name) => {
      const value = answer.headers[name];
      return typeof value === 'string' ? [[name, value] as const] : [];
    }),
  );
}

function chargeOf(answer: IncomingMessage): ModelCharge | null {
  const trailers = Trailers.safeParse(answer.trailers);
  if (!trailers.success) return null;
  return {
    chargedMicroUsd: trailers.data[GATEWAY_TRAILERS.chargedMicroUsd],
    inputTokens: trailers.data[GATEWAY_TRAILERS.inputTokens],
    outputTokens: trailers.data[GATEWAY_TRAILERS.outputTokens],
  };
}

function badPath(): OpenLegionError {
  return new OpenLegionError({
    code: 'bad_request',
    rule: 'mesh.llm.path',
    message: 'This is not the path of a model interface.',
    remedy: 'Use /llm/{provider}/ and the path that the provider documents.',
  });
}
