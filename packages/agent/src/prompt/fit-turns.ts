import type { PromptMessage, PromptTurn } from '../history/prompt-turn.ts';

/** A cautious guess, for every provider's tokens: text in few languages is denser. */
const CHARS_PER_TOKEN = 3;
/** Left for what the guess does not see: the frame of each message, the schema of each tool. */
const SPARE_SHARE = 0.9;
const SHORTENED = '[output left out here to fit the context; read it again if you need it]';

/**
 * The newest turns that fit the model's context beside the system prompt and the answer. Whole turns are dropped,
 * oldest first, so that a call is never apart from its result; in the last turn, which always stays, the outputs of
 * its oldest calls are left out instead.
 */
export function fitTurns(
  turns: readonly PromptTurn[],
  room: { contextTokens: number; answerTokens: number; otherChars: number },
): PromptMessage[] {
  const tokens = Math.max(0, room.contextTokens - room.answerTokens) * SPARE_SHARE;
  let left = tokens * CHARS_PER_TOKEN - room.otherChars;
  const last = turns.at(-1);
  if (last === undefined) return [];
  const kept = [shorten(last.messages, left)];
  left -= sizeOf(kept[0] ?? []);
  for (const turn of turns.slice(0, -1).toReversed()) {
    left -= sizeOf(turn.messages);
    if (left < 0) break;
    kept.unshift(turn.messages);
  }
  return kept.flat();
}

function shorten(messages: readonly PromptMessage[], maxChars: number): PromptMessage[] {
  let over = sizeOf(messages) - maxChars;
  if (over <= 0) return [...messages];
  const newest = messages.findLastIndex((message) => message.role === 'tool');
  return messages.map((message, index) => {
    if (message.role !== 'tool' || index === newest) return message;
    return {
      role: 'tool',
      results: message.results.map((result) => {
        if (over <= 0 || result.output.length <= SHORTENED.length) return result;
        over -= result.output.length - SHORTENED.length;
        return { ...result, output: SHORTENED };
      }),
    };
  });
}

function sizeOf(messages: readonly PromptMessage[]): number {
  let chars = 0;
  for (const message of messages) {
    if (message.role === 'user') chars += message.text.length;
    else if (message.role === 'tool')
      for (const result of message.results) chars += result.output.length + 50;
    else
      for (const part of message.parts) chars += (part.type === 'call' ? part.input : part.text).length + 50;
  }
  return chars;
}
