import type { Refusal } from '@openlegion/contract/refusal';

const OVERFLOW =
  /context[ _-]?(?:length|window|size|limit)|prompt is too long|too many (?:input )?tokens|(?:input|prompt|request).{0,40}exceeds?.{0,40}tokens?|maximum.{0,40}(?:input|context|prompt) ?tokens?|reduce the length/i;

/** Whether a provider refused a request because it is more than its model takes in, as the large ones put it. */
export function isOverflow({ rule, message }: Refusal): boolean {
  return rule === 'llm.provider' && OVERFLOW.test(message);
}
