import type { ProgramRequest } from './program-driver.ts';

/**
 * The message for a program that takes one text and knows nothing else: what the operator wrote, the conversation
 * before, the message. Without the first two it is the message and nothing more.
 */
export function renderRequest({ instructions, before, text }: ProgramRequest): string {
  if (instructions === '' && before.length === 0) return text;
  const lines = before.map(({ role, text }) => `${role === 'user' ? 'User' : 'You'}: ${text}`);
  return [
    ...(instructions === '' ? [] : [`Your instructions:\n${instructions}`]),
    ...(lines.length === 0 ? [] : [`The conversation so far:\n${lines.join('\n\n')}`]),
    `The message now:\n${text}`,
  ].join('\n\n');
}
