import type { Dialect } from '@openlegion/contract/catalog';
import type { Refusal } from '@openlegion/contract/refusal';
import type { Piece } from './answer-pieces.ts';

/** One server-sent event. */
export interface WireEvent {
  event?: string;
  data: object | '[DONE]';
}

/** Tells one answer on one wire: event by event, or whole once it has finished. */
export interface WireWriter {
  start(): WireEvent[];
  piece(piece: Piece): WireEvent[];
  /** The end of a stream that broke. */
  failed(refusal: Refusal): WireEvent[];
  whole(): object;
}

export interface WriterOptions {
  model: string;
  /** Of the provider: what it wants back is marked with it. */
  dialect: Dialect;
  id: string;
  /** Seconds since the epoch. */
  created: number;
  /** An estimate, for the wire that tells the input first. */
  inputTokens: number;
  /** The client's own request. */
  request: unknown;
}
