import { z } from 'zod';
import { JsonValue } from './json-value.ts';
import { Refusal } from './refusal.ts';

const Text = z.string().max(256 * 1024);

/**
 * Everything that can happen in a turn, in order, as the agent reports it: one JSON object a line in the answer
 * to `POST /chat/stream`. The agent is not trusted: the host treats every field as a claim.
 */
export const TurnEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('turn_started'), resumed: z.boolean() }),
  z.object({ type: z.literal('text_delta'), text: Text }),
  z.object({ type: z.literal('reasoning_delta'), text: Text }),
  /** A call failed and the next model of the chain goes on; `continued`: within an answer already begun. */
  z.object({
    type: z.literal('model_switched'),
    from: z.string().max(300),
    to: z.string().max(300),
    reason: z.string().max(500),
    continued: z.boolean(),
  }),
  z.object({ type: z.literal('model_call'), model: z.string().max(300), round: z.int().positive() }),
  z.object({
    type: z.literal('tool_started'),
    callId: z.string().max(200),
    tool: z.string().max(200),
    arguments: z.string().max(16_384),
  }),
  z.object({
    type: z.literal('tool_ended'),
    callId: z.string().max(200),
    tool: z.string().max(200),
    outcome: z.enum(['ok', 'error', 'refused', 'cancelled', 'unknown']),
    /** The start of the output; the whole stays in the agent's history. */
    preview: z.string().max(8192),
    durationMs: z.number().nonnegative(),
  }),
  z.object({ type: z.literal('steered'), text: Text }),
  /** Hygiene: what was taken out of a text, or broken up in it, on its way into the prompt. Told where it is not nothing. */
  z.object({
    type: z.literal('sanitised'),
    /** `message`, `steer`, `memory`, a file of the prompt, or the tool whose output it was. */
    source: z.string().max(200),
    /** Characters. */
    removed: z.int().nonnegative(),
    /** Chat-template tokens, and marks of the frames around texts. */
    escaped: z.int().nonnegative(),
  }),
  /**
   * What became of the conversation in the model's window: facts were taken from it (60 %), its older part became a
   * summary (70 %), or it is nearly full (80 %). Tokens are estimates.
   */
  z.object({
    type: z.literal('context'),
    step: z.enum(['facts', 'compacted', 'warning']),
    usedTokens: z.int().nonnegative(),
    windowTokens: z.int().nonnegative(),
    /** Facts and standing sentences that were kept; messages that went into the summary; sentences without room. */
    count: z.int().nonnegative(),
  }),
  z.object({ type: z.literal('refused'), refusal: Refusal }),
  z.object({
    type: z.literal('turn_ended'),
    status: z.enum(['complete', 'cancelled', 'failed']),
    /** The answer as a whole: what a reader who saw no delta must be shown. */
    text: Text,
    /** Of task mode: what came of it, and what to write to the blackboard under the agent's own grants. */
    result: JsonValue.optional(),
    promotions: z
      .array(z.strictObject({ key: z.string().max(512), value: JsonValue }))
      .max(50)
      .optional(),
    refusal: Refusal.optional(),
  }),
]);
export type TurnEvent = z.infer<typeof TurnEvent>;
