import { z } from 'zod';
import { MicroUsd } from './money.ts';

/**
 * One trace is everything that follows from one message or run: across agents, model calls, tools, requests to the
 * outside, decisions and approvals.
 *
 * | method and path                          | answer    | least role |
 * |------------------------------------------|-----------|------------|
 * | GET /api/traces?before=&limit=&agent=    | TraceList | viewer     |
 * | GET /api/traces/{id}                     | TraceView | viewer     |
 */
export const SpanKind = z.enum([
  'run',
  'step',
  'message',
  'start',
  'model',
  'tool',
  'egress',
  'approval',
  'handoff',
  'refusal',
  'note',
]);
export type SpanKind = z.infer<typeof SpanKind>;

export const SpanStatus = z.enum(['ok', 'failed', 'refused', 'cancelled', 'running', 'unknown']);
export type SpanStatus = z.infer<typeof SpanStatus>;

export const TraceSpan = z.object({
  /** Unique within the trace; of a message its id. */
  id: z.string(),
  parentId: z.string().nullable(),
  kind: SpanKind,
  /** The agent of a message, the model, the tool, `GET host:443/path`, the rule of a refusal. */
  name: z.string(),
  agent: z.string(),
  startedAt: z.string(),
  /** Null while it runs. */
  endedAt: z.string().nullable(),
  status: SpanStatus,
  costMicroUsd: MicroUsd,
  inputTokens: z.int().nonnegative(),
  outputTokens: z.int().nonnegative(),
  /** The agent told this; the host did not see it happen. */
  claimed: z.boolean(),
  /** Previews: redacted, and short. */
  input: z.string(),
  output: z.string(),
});
export type TraceSpan = z.infer<typeof TraceSpan>;

export const TraceSummary = z.object({
  traceId: z.string(),
  /** Who began it. */
  from: z.string(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  status: SpanStatus,
  agents: z.array(z.string()),
  messages: z.int(),
  modelCalls: z.int(),
  toolCalls: z.int(),
  refusals: z.int(),
  costMicroUsd: MicroUsd,
  inputTokens: z.int(),
  outputTokens: z.int(),
  preview: z.string(),
});
export type TraceSummary = z.infer<typeof TraceSummary>;

/** What one agent did of one kind: its calls of one model, of one tool, of one host. */
export const TraceGroup = z.object({
  kind: SpanKind,
  agent: z.string(),
  name: z.string(),
  count: z.int(),
  failed: z.int(),
  totalMs: z.number(),
  costMicroUsd: MicroUsd,
  inputTokens: z.int(),
  outputTokens: z.int(),
});
export type TraceGroup = z.infer<typeof TraceGroup>;

export const TraceView = z.object({
  summary: TraceSummary,
  /** Parents before children, each level in the order of time. */
  spans: z.array(TraceSpan),
  groups: z.array(TraceGroup),
  /** Why something may be missing: `retention`, `too_long`, `keeper_away`. */
  missing: z.array(z.enum(['retention', 'too_long', 'keeper_away'])),
});
export type TraceView = z.infer<typeof TraceView>;

/** Newest first. `next`: the `before` that goes on, null at the end. */
export const TraceList = z.object({ traces: z.array(TraceSummary), next: z.int().nullable() });
export type TraceList = z.infer<typeof TraceList>;
