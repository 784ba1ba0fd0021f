import { joinText, ours, type PromptText } from '../prompt/prompt-text.ts';
import type { ProgramRequest } from './program-driver.ts';

/**
 * The message for a program that takes one text and knows nothing else: what the operator wrote, the conversation
 * before, the message. Without the first two it is the message and nothing more.
 */
export function renderRequest({ instructions, before, text }: ProgramRequest): PromptText {
  if (instructions === '' && before.length === 0) return text;
  const lines = before.map((said) =>
    said.role === 'user' ? ours`User: ${said.text}` : ours`You: ${said.text}`,
  );
  return joinText([
    ...(instructions === '' ? [] : [ours`Your instructions:\n${instructions}`]),
    ...(lines.length === 0 ? [] : [ours`The conversation so far:\n${joinText(lines)}`]),
    ours`The message now:\n${text}`,
  ]);
}
