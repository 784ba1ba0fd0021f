import type { PromptMessage, PromptTurn, ShownResult } from '../history/prompt-turn.ts';
import { estimateTokens, FRAME_TOKENS, IMAGE_TOKENS } from './estimate-tokens.ts';

/** Left for what the estimate does not see. */
const SPARE_SHARE = 0.95;
const SHORTENED = '[left out here to fit the context; read it again, in parts, if you need it]';

/** However little room there is, something of what a call gave is shown. */
const MIN_NEWEST_TOKENS = 100;

/**
 * The newest turns that fit the model's context beside the system prompt and the answer: the last resort where
 * another model with a smaller window takes over, since the context manager keeps below it. Whole turns are dropped,
 * oldest first, so that a call is never apart from its result; pinned ones and the last stay, and in the last the
 * outputs of its oldest calls are left out instead, and the ends of the newest.
 */
export function fitTurns(
  turns: readonly PromptTurn[],
  room: { promptTokens: number; otherTokens: number },
): PromptMessage[] {
  let left = Math.max(0, room.promptTokens) * SPARE_SHARE - room.otherTokens;
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

/** The oldest pictures and outputs give way whole, the newest ones lose their ends where that is not enough. */
function shorten(messages: readonly PromptMessage[], maxTokens: number): PromptMessage[] {
  let over = tokensOf(messages) - maxTokens;
  if (over <= 0) return [...messages];
  const newest = messages.findLastIndex((message) => message.role === 'tool');
  return messages.map((message, index) => {
    if (message.role !== 'tool') return message;
    return {
      role: 'tool',
      results: message.results.map((given) => {
        const result = over > 0 ? withoutPicture(given) : given;
        if (result !== given) over -= IMAGE_TOKENS;
        if (over <= 0 || result.output.length <= SHORTENED.length) return result;
        const whole = estimateTokens(result.output);
        const left = index === newest ? Math.max(MIN_NEWEST_TOKENS, whole - over) : 0;
        if (left >= whole) return result;
        const chars = Math.floor((result.output.length * left) / whole);
        const output = left === 0 ? SHORTENED : `${result.output.slice(0, chars)}\n${SHORTENED}`;
        over -= whole - estimateTokens(output);
        return { ...result, output };
      }),
    };
  });
}

function withoutPicture(result: ShownResult): ShownResult {
  const { shown, ...rest } = result;
  return shown === undefined ? result : rest;
}

export function tokensOf(messages: readonly PromptMessage[]): number {
  let tokens = 0;
  for (const message of messages) {
    if (message.role === 'user') {
      tokens += estimateTokens(message.text) + FRAME_TOKENS;
      if (message.task) tokens += estimateTokens(JSON.stringify(message.task));
    } else if (message.role === 'note') tokens += estimateTokens(message.text) + FRAME_TOKENS;
    else if (message.role === 'tool')
      for (const { output, shown } of message.results)
        tokens += estimateTokens(output) + FRAME_TOKENS + (shown ? IMAGE_TOKENS : 0);
    else
      for (const part of message.parts)
        tokens += estimateTokens(part.type === 'call' ? part.input : part.text) + FRAME_TOKENS;
  }
  return tokens;
}
