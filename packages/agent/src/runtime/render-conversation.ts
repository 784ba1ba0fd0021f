import type { History, ReceivedMessage } from '../history/create-history.ts';
import { frameMessage } from '../prompt/frame-message.ts';
import { sanitise } from '../prompt/sanitise.ts';
import type { ProgramRequest, Said } from './program-driver.ts';
import { RUNTIME_LIMITS } from './runtime-limits.ts';

/** The newest turns before a message in its session, as text that may go into a prompt; tool calls are left out. */
export function conversationBefore(history: History, message: ReceivedMessage): Said[] {
  const turns = history
    .loadPrompt(message.messageId, RUNTIME_LIMITS.charsBefore)
    .filter((turn) => turn.messageId !== message.messageId)
    .slice(-RUNTIME_LIMITS.turnsBefore);
  const said = turns.flatMap(({ messages }) =>
    messages.flatMap((item): Said[] => {
      if (item.role === 'user') return [{ role: 'user', text: frameMessage(item) }];
      if (item.role === 'tool') return [];
      const text = item.parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
      return text.trim() === '' ? [] : [{ role: 'assistant', text: sanitise(text) }];
    }),
  );
  let chars = 0;
  return said
    .toReversed()
    .filter(({ text }) => {
      chars += text.length;
      return chars <= RUNTIME_LIMITS.charsBefore;
    })
    .toReversed();
}

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
