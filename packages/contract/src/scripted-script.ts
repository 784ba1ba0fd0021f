import { z } from 'zod';

const Match = z.strictObject({
  /** Matches when the newest message is the user's and contains this, or matches this `/regex/`. */
  user: z.string().max(500).optional(),
  /** Matches when the newest message of the user contains this, also while tools are at work. */
  asked: z.string().max(500).optional(),
  /** Matches when the newest message is a result of the tool so named. */
  tool: z.string().max(100).optional(),
  /** Matches when that tool result contains this, or matches this `/regex/`. */
  result: z.string().max(500).optional(),
  /** Matches when the system prompt contains this. */
  system: z.string().max(500).optional(),
  /** How many assistant messages have come since the last user message. */
  round: z.int().nonnegative().optional(),
});

const Call = z.strictObject({
  tool: z.string().max(100),
  arguments: z.record(z.string(), z.unknown()).default({}),
});

/**
 * One answer. In every string `{{user}}`, `{{result}}`, `{{system}}`, `{{round}}` and `{{1}}` … (groups of the
 * matching regular expression) are replaced.
 */
const Answer = z.strictObject({
  text: z.string().optional(),
  reasoning: z.string().optional(),
  calls: z.array(Call).max(20).optional(),
  /** Nothing in it is a placeholder. */
  verbatim: z.boolean().optional(),
  /** Overrides the token counts that are otherwise one per four characters. */
  usage: z
    .strictObject({ input: z.int().nonnegative().optional(), output: z.int().nonnegative().optional() })
    .optional(),
  /** Before the first byte, and between pieces of text. */
  delay_ms: z.int().min(0).max(60_000).optional(),
  chunk_delay_ms: z.int().min(0).max(5_000).optional(),
  /** Answers with this HTTP status and message, in the dialect's own error shape. */
  error: z
    .strictObject({
      status: z.int().min(400).max(599),
      message: z.string(),
      retry_after_s: z.int().optional(),
    })
    .optional(),
  /** Cuts the connection after so many pieces. */
  break_after: z.int().nonnegative().optional(),
});

/**
 * A script for the scripted model, `config/scripts/NAME.yaml`, served as `scripted/NAME`. The first rule that
 * matches answers; without one, `otherwise`.
 */
export const Script = z.strictObject({
  description: z.string().max(500).default(''),
  rules: z
    .array(z.strictObject({ when: Match, answer: Answer }))
    .max(500)
    .default([]),
  otherwise: Answer,
});
export type Script = z.infer<typeof Script>;
