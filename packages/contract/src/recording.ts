import { z } from 'zod';
import { JsonValue } from './json-value.ts';

/**
 * What a run was, so that it can be played again: of each message what the model answered, what it called, and what the
 * tools gave back. `GET /api/traces/{id}/recording` (least role operator) answers with a `Recording`; an agent gives a
 * `RecordedTurn` for `GET /turns/{messageId}`. Texts of a recording are redacted.
 */
export const RecordedCall = z.object({
  callId: z.string().max(200),
  tool: z.string().max(200),
  /** As the model wrote it: JSON, unless it made a mistake. */
  arguments: z.string().max(1_000_000),
  outcome: z.enum(['ok', 'error', 'refused', 'cancelled', 'unknown']),
  output: z.string().max(1_000_000),
});
export type RecordedCall = z.infer<typeof RecordedCall>;

/** One answer of the model, and what came of its calls. */
export const RecordedRound = z.object({
  /** What came into the turn before it, from a person who steered or from the loop; null for nothing. */
  after: z.string().max(1_000_000).nullable(),
  /** Whether `after` is a person's, who will not say it again. */
  steered: z.boolean(),
  text: z.string().max(1_000_000),
  calls: z.array(RecordedCall).max(200),
});
export type RecordedRound = z.infer<typeof RecordedRound>;

export const RecordedTurn = z.object({ rounds: z.array(RecordedRound).max(1000) });
export type RecordedTurn = z.infer<typeof RecordedTurn>;

export const RecordedMessage = z.object({
  id: z.string(),
  parentId: z.string().nullable(),
  agent: z.string(),
  from: z.string(),
  text: z.string(),
  status: z.string(),
  reply: z.string().nullable(),
  /** The rule of the refusal that ended it; null where none did. */
  refusal: z.string().nullable(),
  /** Null where the agent could not say. */
  rounds: z.array(RecordedRound).nullable(),
  /** Calls during which something was asked of the outside world: what they give is not compared. */
  outside: z.array(z.string()),
});
export type RecordedMessage = z.infer<typeof RecordedMessage>;

/** A run of a workflow within the trace. */
export const RecordedRun = z.object({
  workflow: z.string(),
  payload: JsonValue,
  /** Whether the trace began with it. */
  first: z.boolean(),
  status: z.string(),
});
export type RecordedRun = z.infer<typeof RecordedRun>;

export const Recording = z.object({
  openlegionRecording: z.literal(1),
  traceId: z.string(),
  recordedAt: z.string(),
  messages: z.array(RecordedMessage).max(500),
  runs: z.array(RecordedRun).max(100).default([]),
});
export type Recording = z.infer<typeof Recording>;
