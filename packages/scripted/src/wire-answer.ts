import { createHash } from 'node:crypto';
import type { Answer } from './compile-script.ts';
import type { Conversation } from './conversation.ts';
import type { DecidedAnswer } from './decide-answer.ts';
import { fillPlaceholders, placeholdersIn } from './fill-placeholders.ts';
import type { WireRequest } from './wire-request.ts';

/** An answer that only has to be written down in a dialect. */
export interface WireAnswer {
  /** Letters and digits; the same conversation gets the same. */
  id: string;
  model: string;
  createdS: number;
  reasoning: string;
  text: string;
  calls: readonly { id: string; tool: string; arguments: string }[];
  usage: { input: number; output: number; reasoning: number };
  stop: 'stop' | 'tool_calls' | 'length';
}

/** What a stream carries between its opening and its end. */
export type Piece =
  | { type: 'reasoning'; text: string }
  | { type: 'text'; text: string }
  | { type: 'call'; index: number; arguments: string; first: boolean };

/** What may be put in place of an answer's placeholders, together. */
export const MOST_FILLED_CHARACTERS = 1024 * 1024;
const PIECE_CHARACTERS = 24;

const tokensOf = (characters: number) => Math.ceil(characters / 4);

/** Fills the decided answer in and counts it. Null when that puts in over `MOST_FILLED_CHARACTERS`. */
export function wireAnswerOf(options: {
  decided: DecidedAnswer;
  request: WireRequest;
  conversation: Conversation;
  nowMs: number;
}): WireAnswer | null {
  const { decided, request, conversation, nowMs } = options;
  const { answer, values } = decided;
  const filled = placeholdersIn([answer.text, answer.reasoning, answer.calls]);
  // Counted before it is built: a short script and a long message could fill the memory.
  if (filled.reduce((sum, name) => sum + (values.get(name)?.length ?? 0), 0) > MOST_FILLED_CHARACTERS)
    return null;
  const id = createHash('sha256')
    .update(JSON.stringify([request.model, request.messages]))
    .digest('hex')
    .slice(0, 24);
  const calls = (answer.calls ?? []).map((call, index) => ({
    id: `call_${id}${index}`,
    tool: fillPlaceholders(call.tool, values),
    arguments: JSON.stringify(fillPlaceholders(call.arguments, values)),
  }));
  const reasoning = fillPlaceholders(answer.reasoning ?? '', values);
  const whole = fillPlaceholders(answer.text ?? '', values);
  const callCharacters = calls.reduce((sum, call) => sum + call.tool.length + call.arguments.length, 0);
  // Calls are never cut: half a call is of no use to anyone.
  const room = (request.maxOutputTokens ?? Infinity) * 4 - reasoning.length - callCharacters;
  const text = whole.slice(0, Math.max(0, room));
  return {
    id,
    model: request.model,
    createdS: Math.floor(nowMs / 1000),
    reasoning,
    text,
    calls,
    usage: usageOf(answer, conversation.characters, reasoning.length, text.length + callCharacters),
    stop: text.length < whole.length ? 'length' : calls.length > 0 ? 'tool_calls' : 'stop',
  };
}

function usageOf(answer: Answer, input: number, reasoning: number, output: number): WireAnswer['usage'] {
  const total = answer.usage?.output ?? tokensOf(output + reasoning);
  return {
    input: answer.usage?.input ?? tokensOf(input),
    output: total,
    reasoning: Math.min(total, tokensOf(reasoning)),
  };
}

/** Cut at the ends of words where they are near, never inside a character. */
function* cut(text: string): Generator<string> {
  let rest = text;
  while (rest.length > PIECE_CHARACTERS) {
    const space = rest.lastIndexOf(' ', PIECE_CHARACTERS);
    let at = space > 0 ? space + 1 : PIECE_CHARACTERS;
    if (/[\uD800-\uDBFF]/.test(rest.charAt(at - 1))) at += 1;
    yield rest.slice(0, at);
    rest = rest.slice(at);
  }
  if (rest !== '') yield rest;
}

/** The pieces of a stream, in the order in which models send them. */
export function* piecesOf(answer: WireAnswer): Generator<Piece> {
  for (const text of cut(answer.reasoning)) yield { type: 'reasoning', text };
  for (const text of cut(answer.text)) yield { type: 'text', text };
  for (const [index, call] of answer.calls.entries()) {
    let first = true;
    for (const part of cut(call.arguments)) {
      yield { type: 'call', index, arguments: part, first };
      first = false;
    }
  }
}
