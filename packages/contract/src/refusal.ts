import { z } from 'zod';
import { type RefusalCode as Code, REFUSAL_STATUS } from './refusal-status.ts';

export { REFUSAL_STATUS };

export const RefusalCode = z.enum(Object.keys(REFUSAL_STATUS) as [Code, ...Code[]]);
export type RefusalCode = z.infer<typeof RefusalCode>;

/**
 * An expected "no". `rule` names what decided, in the terms of the configuration
 * (`permissions.researcher.can_message`, `budget.daily`, `llm.field.store`); `message` says what was refused and
 * is safe to show to anyone who caused it; `remedy` is what a person can do about it.
 */
export const Refusal = z.strictObject({
  code: RefusalCode,
  rule: z.string().max(200),
  message: z.string().max(2000),
  remedy: z.string().max(2000),
});
export type Refusal = z.infer<typeof Refusal>;

/**
 * The body of every refusal on every HTTP surface. It is at once readable by OpenAI's clients
 * (`error.message`, `error.type`, `error.code`) and Anthropic's (`type: "error"`, `error.type`).
 */
export interface RefusalBody {
  type: 'error';
  error: { type: 'openlegion_refusal' } & Refusal;
}

export const RefusalBody = z.object({
  type: z.literal('error'),
  error: z.object({ type: z.literal('openlegion_refusal'), ...Refusal.shape }),
});

/** A decision is a value with a reason. */
export type Decision = { allowed: true; rule: string } | { allowed: false; refusal: Refusal };
