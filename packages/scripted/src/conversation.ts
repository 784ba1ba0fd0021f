import type { WireMessage } from './wire-request.ts';

/** Where a conversation stands: what the rules of a script look at. */
export interface Conversation {
  system: string;
  /** The newest text of the user, also while tools are at work. */
  user: string;
  /** Results since the model last spoke, newest first; empty when the newest message is the user's. */
  results: readonly { tool: string; text: string }[];
  newest: 'user' | 'tool' | 'none';
  /** How many times the model has spoken since the last user message. */
  round: number;
  characters: number;
}

export function conversationOf(messages: readonly WireMessage[]): Conversation {
  const system: string[] = [];
  const conversation = { user: '', newest: 'none' as Conversation['newest'], round: 0, characters: 0 };
  let results: { tool: string; text: string }[] = [];
  let speaking = false;
  for (const message of messages) {
    conversation.characters += message.text.length;
    if (message.role === 'system') {
      system.push(message.text);
      continue;
    }
    if (message.role === 'assistant') {
      // Some dialects write one answer as several items.
      if (!speaking) conversation.round += 1;
      speaking = true;
      results = [];
      conversation.newest = 'none';
      continue;
    }
    if (message.role === 'user') {
      conversation.user = message.text;
      conversation.round = 0;
      results = [];
    } else {
      results.unshift({ tool: message.tool, text: message.text });
    }
    speaking = false;
    conversation.newest = message.role;
  }
  return { ...conversation, system: system.join('\n\n'), results };
}
