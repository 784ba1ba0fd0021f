import type { AdapterPrompt } from '../adapter.ts';

/**
 * Whether Anthropic's thinking can be on: in a turn with calls it wants its own thinking of that turn back, and
 * refuses the request where another model made the calls or the client lost it.
 */
export function mayReason(prompt: AdapterPrompt): boolean {
  const turn = prompt.slice(prompt.findLastIndex(({ role }) => role === 'user') + 1);
  const calling = turn.find(
    (message) => message.role === 'assistant' && message.content.some((part) => part.type === 'tool-call'),
  );
  return calling?.role !== 'assistant' || calling.content[0]?.type === 'reasoning';
}
