import type { IncomingMessage } from 'node:http';
import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { MeshRequest } from '../pipe/pipe.ts';
import type { Caller } from '../vault/call-gateway.ts';
import type { GatewayClient } from '../vault/gateway-client.ts';

/** The largest request, images included. */
const BODY_BYTES = 32 * 1024 * 1024;
/** Of an answer that is a failure, what is looked at for the reason. */
const REASON_BYTES = 8 * 1024;

export interface ForwardedHeaders {
  /** Those of the agent's that go on. Who it is and which trace it belongs to are ours to say. */
  request: Record<string, string | string[]>;
  /** Those of the answer that the agent may see. */
  answer: (answer: IncomingMessage) => OutgoingHttpHeaders;
}

export interface Forwarded {
  status: number;
  trailers: NodeJS.Dict<string>;
  /** The start of an answer of status 400 or above. */
  failure: Buffer | null;
}

/**
 * Passes one call on to the gateway and its answer back, each side at the pace of the other; when either goes away,
 * so does the other. Resolves when the answer has been passed on whole, without its end, which the caller sends when
 * it has noted what it must; null where the agent went away first. Rejects when the answer is cut off.
 */
export async function forwardCall(
  { method, path, stream }: MeshRequest,
  headers: ForwardedHeaders,
  caller: Caller,
  gateway: GatewayClient,
): Promise<Forwarded | null> {
  try {
    const answer = await gateway.call({
      method,
      path,
      ...caller,
      headers: headers.request,
      body: stream,
      maxBodyBytes: BODY_BYTES,
    });
    if (stream.destroyed || stream.closed) {
      answer.destroy();
      return null;
    }
    const status = answer.statusCode ?? 502;
    const failure = status >= 400 ? keepStart(answer) : null;
    stream.respond({ ':status': status, ...headers.answer(answer) });
    await passOn(answer, stream);
    return { status, trailers: answer.trailers, failure: failure?.() ?? null };
  } catch (error) {
    if (stream.destroyed || stream.closed) return null;
    throw error;
  }
}

/**
 * By hand: a pipeline costs more than the call's whole way through this file. What comes in one turn of the event loop
 * leaves in one write: each write wakes three processes on its way into the container. Rejects when `answer` is cut off.
 */
function passOn(answer: IncomingMessage, stream: ServerHttp2Stream): Promise<void> {
  return new Promise((resolve, reject) => {
    answer.on('data', (chunk: Buffer) => {
      if (stream.writableCorked === 0) {
        stream.cork();
        setImmediate(() => stream.uncork());
      }
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

function keepStart(answer: IncomingMessage): () => Buffer {
  const chunks: Buffer[] = [];
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => {
    if (bytes < REASON_BYTES) chunks.push(chunk.subarray(0, REASON_BYTES - bytes));
    bytes += chunk.length;
  });
  return () => Buffer.concat(chunks);
}
