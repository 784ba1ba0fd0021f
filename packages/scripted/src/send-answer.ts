import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Answer } from './compile-script.ts';
import type { WireDialect } from './dialects/wire-dialect.ts';
import { piecesOf, type WireAnswer } from './wire-answer.ts';
import type { WireRequest } from './wire-request.ts';

export interface Sending {
  response: ServerResponse;
  dialect: WireDialect;
  request: WireRequest;
  answer: Answer;
  wire: WireAnswer;
  /** Aborts when the caller has gone. */
  signal: AbortSignal;
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

/** Sends the answer whole; with `break_after`, half of it and then the connection is cut. */
export function sendWhole({ response, dialect, answer, wire }: Sending): void {
  const body = dialect.whole(wire);
  if (answer.break_after === undefined) {
    sendJson(response, 200, body);
    return;
  }
  const text = JSON.stringify(body);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.write(text.slice(0, text.length / 2), () => response.destroy());
}

/** Streams the answer at its script's pace; after `break_after` pieces the connection is cut without an end. */
export async function sendStream({
  response,
  dialect,
  request,
  answer,
  wire,
  signal,
}: Sending): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  });
  let pieces = 0;
  for (const { sent, piece } of dialect.stream(wire, piecesOf(wire), request)) {
    if (signal.aborted) return;
    if (piece) {
      if (pieces === answer.break_after) {
        response.write('', () => response.destroy());
        return;
      }
      if (pieces > 0 && answer.chunk_delay_ms) await wait(answer.chunk_delay_ms, undefined, { signal });
      pieces += 1;
    }
    if (!response.write(sent)) await once(response, 'drain', { signal });
  }
  response.end();
}
