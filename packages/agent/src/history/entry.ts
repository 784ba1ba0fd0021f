import { JsonValue } from '@openlegion/contract/json-value';
import type { Refusal } from '@openlegion/contract/refusal';
import { z } from 'zod';

/** What a provider wants back untouched with its own output (signatures of reasoning). Sent only to its own dialect. */
export const ProviderData = z.record(z.string(), z.record(z.string(), z.json()));
export type ProviderData = z.infer<typeof ProviderData>;

/** One piece of a model's answer. `callId` is ours: providers repeat theirs, and it is part of an idempotency key. */
export const AssistantPart = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string(), providerData: ProviderData.optional() }),
  z.object({ type: z.literal('reasoning'), text: z.string(), providerData: ProviderData.optional() }),
  z.object({
    type: z.literal('call'),
    callId: z.string(),
    tool: z.string(),
    /** As the model wrote it: it may not be JSON. */
    input: z.string(),
    providerData: ProviderData.optional(),
  }),
]);
export type AssistantPart = z.infer<typeof AssistantPart>;
export type CallPart = Extract<AssistantPart, { type: 'call' }>;

/** Where one model took over from another: after `afterChars` characters of the answer's text, 0 at its start. */
export const Seam = z.object({
  from: z.string(),
  to: z.string(),
  reason: z.string(),
  afterChars: z.int().nonnegative(),
});
export type Seam = z.infer<typeof Seam>;

export const AssistantEntry = z.object({
  /** `provider/model`, and the dialect whose `providerData` the parts hold: of the last, where several gave it. */
  model: z.string(),
  dialect: z.string(),
  parts: z.array(AssistantPart),
  seams: z.array(Seam).optional(),
});
export type AssistantEntry = z.infer<typeof AssistantEntry>;

export const ToolOutcome = z.enum(['ok', 'error', 'refused', 'cancelled', 'unknown']);
export type ToolOutcome = z.infer<typeof ToolOutcome>;

export const PictureType = z.enum(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
export type PictureType = z.infer<typeof PictureType>;

export const ResultEntry = z.object({
  callId: z.string(),
  tool: z.string(),
  outcome: ToolOutcome,
  output: z.string(),
  durationMs: z.number(),
  /** There was a picture with it, kept beside the entry for as long as there is room. */
  picture: z.object({ mediaType: PictureType, bytes: z.int().positive() }).optional(),
});
export type ResultEntry = z.infer<typeof ResultEntry>;

/**
 * What came into a turn from outside the model: of a person, or (`why`) of the loop itself. `continue`: the answer
 * before it goes on in the next one.
 */
export const SteerEntry = z.object({
  text: z.string(),
  why: z.enum(['continue', 'result', 'last']).optional(),
});
export type SteerEntry = z.infer<typeof SteerEntry>;

/** How a turn ended; recorded before anyone is told. */
export interface TurnEnd {
  status: 'complete' | 'cancelled' | 'failed';
  text: string;
  /** Of a task: what came of it. */
  result?: JsonValue;
  promotions?: Promotion[];
  refusal?: Refusal;
}

/** What a task asks to be written to the blackboard, under the agent's own grants. */
export const Promotion = z.strictObject({ key: z.string().min(1).max(512), value: JsonValue });
export type Promotion = z.infer<typeof Promotion>;

/** `result` and `promotions` of an end, as they are kept. */
export const RecordedResult = z.object({
  result: JsonValue.optional(),
  promotions: z.array(Promotion).optional(),
});
