import type { PlacedMessage } from '../history/order-turn.ts';
import type { PromptMessage } from '../history/prompt-turn.ts';
import { jsonText } from '../prompt/clean-json.ts';
import { estimateTokens } from '../prompt/estimate-tokens.ts';
import type { ConversationFact } from './facts.ts';

const ARGUMENT_CHARS = 2000;

export interface Chunk {
  text: string;
  /** By the number under which a message stands in `text`. */
  sources: Map<number, ConversationFact['source']>;
}

/** The messages as a numbered record, in pieces of at most `maxTokens`; a longer message loses its middle. */
export function* renderChunks(messages: readonly PlacedMessage[], maxTokens: number): Generator<Chunk> {
  let lines: string[] = [];
  let tokens = 0;
  let sources: Chunk['sources'] = new Map();
  for (const [index, { messageId, message }] of messages.entries()) {
    for (const { line, tool } of render(message)) {
      const text = fit(`#${index + 1} ${line}`, maxTokens);
      const size = estimateTokens(text);
      if (tokens + size > maxTokens && lines.length > 0) {
        yield { text: lines.join('\n'), sources };
        [lines, tokens, sources] = [[], 0, new Map()];
      }
      lines.push(text);
      tokens += size;
      sources.set(index + 1, tool === undefined ? { messageId } : { messageId, tool });
    }
  }
  if (lines.length > 0) yield { text: lines.join('\n'), sources };
}

function* render(message: PromptMessage): Generator<{ line: string; tool?: string }> {
  switch (message.role) {
    case 'note':
      return;
    case 'user': {
      const task = message.task ? ` ${jsonText(message.task)}` : '';
      yield { line: `[${message.from}] ${message.text}${task}` };
      return;
    }
    case 'tool':
      for (const { tool, outcome, output } of message.results)
        yield { line: `[result of ${tool}: ${outcome}] ${output}`, tool };
      return;
    case 'assistant':
      for (const part of message.parts) {
        if (part.type === 'text') yield { line: `[the agent] ${part.text}` };
        if (part.type === 'call')
          yield {
            line: `[the agent calls ${part.tool}] ${argumentsOf(part.input).slice(0, ARGUMENT_CHARS)}`,
          };
      }
  }
}

function argumentsOf(input: string): string {
  try {
    return jsonText(JSON.parse(input));
  } catch {
    return input;
  }
}

function fit(text: string, maxTokens: number): string {
  const tokens = estimateTokens(text);
  if (tokens <= maxTokens) return text;
  const half = Math.floor(((text.length * maxTokens) / tokens) * 0.45);
  return `${text.slice(0, half)}\n[… left out here …]\n${text.slice(-half)}`;
}
