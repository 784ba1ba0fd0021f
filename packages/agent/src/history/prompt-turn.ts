import type { AssistantEntry, ResultEntry } from './entry.ts';

/** One message of a prompt, in no provider's dialect. Text in it is as it was received, not yet sanitised. */
export type PromptMessage =
  | { role: 'user'; from: string; text: string }
  | ({ role: 'assistant' } & AssistantEntry)
  | { role: 'tool'; results: ResultEntry[] };

/** A message that was received and everything that followed: what is kept or dropped as a whole. */
export interface PromptTurn {
  messageId: string;
  messages: PromptMessage[];
}
