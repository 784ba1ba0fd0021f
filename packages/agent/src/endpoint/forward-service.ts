import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MeshClient } from '../pipe/pipe.ts';
import { write } from './exchange.ts';
import { readRequestBody } from './read-request-body.ts';

/** Of one connection and of no other (RFC 9110, 7.6.1), or the pipe's own to say. */
const HOP_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** `/services/{name}/…` as it is into the pipe, and the answer as it comes; what is granted is decided there. */
export async function forwardService(
  mesh: MeshClient,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const answer = await mesh.call({
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers: plainHeaders(flat(request.headers)),
    body: await readRequestBody(request),
    signal,
  });
  response.writeHead(answer.status, plainHeaders(answer.headers));
  try {
    for await (const piece of answer.body as AsyncIterable<Buffer>) await write(response, piece, signal);
  } catch (error) {
    signal.throwIfAborted();
    // Cut, not ended: nobody may take half an answer for the whole.
    response.destroy(error instanceof Error ? error : undefined);
    return;
  }
  response.end();
}

function flat(headers: NodeJS.Dict<string | string[]>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}

/** A header that comes several times (only `set-cookie` may) stays apart in the answer. */
function plainHeaders<Value>(headers: Record<string, Value | undefined>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || name.startsWith(':') || HOP_HEADERS.has(name) ? [] : [[name, value]],
    ),
  );
}
