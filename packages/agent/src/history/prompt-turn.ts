import type { ChatRequest } from '@openlegion/contract/agent-api';
import type { PromptText } from '../prompt/prompt-text.ts';
import type { AssistantEntry, ResultEntry } from './entry.ts';

export type TaskGiven = NonNullable<ChatRequest['task']>;

/**
 * One message of a prompt, in no provider's dialect. Text in it is as it was received, not yet sanitised; that of a
 * `note`, which the loop itself writes to the model, is fit to be shown.
 */
export type PromptMessage =
  | { role: 'user'; from: string; text: string; task?: TaskGiven }
  | { role: 'note'; text: PromptText }
  | ({ role: 'assistant' } & AssistantEntry)
  | { role: 'tool'; results: ShownResult[] };

/** `shown`: the bytes of its picture, where the model is to see it. */
export type ShownResult = ResultEntry & { shown?: Uint8Array };

/** A message that was received and everything that followed: what is kept or dropped as a whole. */
export interface PromptTurn {
  messageId: string;
  messages: PromptMessage[];
  /** What stands for all that came before, and the agent's notes: never dropped. */
  pinned?: true;
}
