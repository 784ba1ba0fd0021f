import type { Piece, WireAnswer } from '../wire-answer.ts';
import type { WireRequest } from '../wire-request.ts';

export type ParsedRequest = { ok: true; request: WireRequest } | { ok: false; message: string };

/** What the path says in dialects that put it there. */
export interface PathRequest {
  model: string;
  stream: boolean;
}

/** Server-sent text, and whether it carries a piece of the answer (`break_after` and `chunk_delay_ms` count those). */
export interface StreamPart {
  sent: string;
  piece: boolean;
}

/** One wire format: how a request in it is read, and how an answer or a failure is written. */
export interface WireDialect {
  parse(body: unknown, path: PathRequest | null): ParsedRequest;
  whole(answer: WireAnswer): unknown;
  stream(answer: WireAnswer, pieces: Iterable<Piece>, request: WireRequest): Generator<StreamPart>;
  failure(status: number, message: string): unknown;
}

/** A server-sent event; `event` where the dialect names them. */
export function serverSent(data: unknown, event?: string): string {
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
}
