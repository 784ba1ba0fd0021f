import type { ServerResponse } from 'node:http';
import type { MeshClient } from '../pipe/pipe.ts';
import type { Wire } from './wire.ts';

/** One model call of a client. `signal` is aborted when the client leaves. */
export interface Exchange {
  wire: Wire;
  /** A JSON object, as the client sent it. */
  body: Record<string, unknown>;
  stream: boolean;
  mesh: MeshClient;
  response: ServerResponse;
  signal: AbortSignal;
}

/** Why a call was not answered; nothing has been sent to the client yet. */
export interface CallFailure {
  status: number;
  body: unknown;
  retryAfter: string | undefined;
  /** Another model may do better: the provider's trouble, not the request's. */
  transient: boolean;
}

/** Writes at the reader's pace. Rejects with the signal's reason when the client has left. */
export async function write(
  response: ServerResponse,
  text: string | Buffer,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  if (response.write(text)) return;
  await new Promise<void>((resolve) => {
    const go = () => {
      response.off('drain', go);
      response.off('close', go);
      resolve();
    };
    response.on('drain', go);
    response.on('close', go);
  });
  signal.throwIfAborted();
}

export const SSE_HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' } as const;
