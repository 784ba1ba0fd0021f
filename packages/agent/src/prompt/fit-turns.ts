import type { PromptMessage, PromptTurn } from '../history/prompt-turn.ts';
import { estimateTokens, FRAME_TOKENS } from './estimate-tokens.ts';

/** Left for what the estimate does not see. */
const SPARE_SHARE = 0.95;
const SHORTENED = '[output left out here to fit the context; read it again if you need it]';

/**
 * The newest turns that fit the model's context beside the system prompt and the answer: the last resort where
 * another model with a smaller window takes over, since the context manager keeps below it. Whole turns are dropped,
 * oldest first, so that a call is never apart from its result; pinned ones and the last stay, and in the last the
 * outputs of its oldest calls are left out instead.
 */
export function fitTurns(
  turns: readonly PromptTurn[],
  room: { contextTokens: number; answerTokens: number; otherTokens: number },
): PromptMessage[] {
  let left = Math.max(0, room.contextTokens - room.answerTokens) * SPARE_SHARE - room.otherTokens;
  const last = turns.at(-1);
  if (last === undefined) return [];
  const earlier = turns.slice(0, -1);
  for (const turn of earlier) if (turn.pinned) left -= tokensOf(turn.messages);
  const newest = shorten(last.messages, left);
  left -= tokensOf(newest);
  const kept = [newest];
  for (const turn of earlier.toReversed()) {
    if (!turn.pinned) left -= tokensOf(turn.messages);
    if (turn.pinned || left >= 0) kept.unshift(turn.messages);
  }
  return kept.flat();
}

function shorten(messages: readonly PromptMessage[], maxTokens: number): PromptMessage[] {
  let over = tokensOf(messages) - maxTokens;
  if (over <= 0) return [...messages];
  const newest = messages.findLastIndex((message) => message.role === 'tool');
  return messages.map((message, index) => {
    if (message.role !== 'tool' || index === newest) return message;
    return {
      role: 'tool',
      results: message.results.map((result) => {
        if (over <= 0 || result.output.length <= SHORTENED.length) return result;
        over -= estimateTokens(result.output) - estimateTokens(SHORTENED);
        return { ...result, output: SHORTENED };
      }),
    };
  });
}

export function tokensOf(messages: readonly PromptMessage[]): number {
  let tokens = 0;
  for (const message of messages) {
    if (message.role === 'user') {
      tokens += estimateTokens(message.text) + FRAME_TOKENS;
      if (message.task) tokens += estimateTokens(JSON.stringify(message.task));
    } else if (message.role === 'note') tokens += estimateTokens(message.text) + FRAME_TOKENS;
    else if (message.role === 'tool')
      for (const result of message.results) tokens += estimateTokens(result.output) + FRAME_TOKENS;
    else
      for (const part of message.parts)
        tokens += estimateTokens(part.type === 'call' ? part.input : part.text) + FRAME_TOKENS;
  }
  return tokens;
}
