import { clean } from '../prompt/prompt-text.ts';
import type { AssistantEntry, ResultEntry, SteerEntry } from './entry.ts';
import type { PromptMessage, TaskGiven } from './prompt-turn.ts';

/** `id`: its place in the history, growing. */
export type TurnEntry = { id: number } & (
  | { kind: 'assistant'; entry: AssistantEntry }
  | { kind: 'result'; entry: ResultEntry }
  | { kind: 'steer'; entry: SteerEntry }
);

/** A message with its place: that of the last entry it is made of; 0 for what the turn began with. */
export interface PlacedMessage {
  messageId: string;
  seq: number;
  entry: number;
  message: PromptMessage;
}

const UNKNOWN_OUTPUT =
  'outcome unknown: the agent stopped while this call was under way. It may or may not have taken effect, and it was not run again.';

const NOT_RUN_OUTPUT =
  'not run: the agent stopped while a person was asked about this call. Make it again if it is still wanted; the person is asked again.';

/** The result that stands for a call whose own was never recorded. */
export function unknownResult(call: { callId: string; tool: string }): ResultEntry {
  return {
    callId: call.callId,
    tool: call.tool,
    outcome: 'unknown',
    output: UNKNOWN_OUTPUT,
    durationMs: 0,
  };
}

/** The result of a call that waited for a person when the agent stopped. */
export function notRunResult(call: { callId: string; tool: string }): ResultEntry {
  return { ...unknownResult(call), outcome: 'cancelled', output: NOT_RUN_OUTPUT };
}

/**
 * The messages of a turn as a model must see them: every call directly followed by its result, in the order of the
 * calls whatever order they ended in, and one that has none by `unknownResult`. Results of calls that nobody made
 * are left out.
 */
export function orderTurn(
  turn: { messageId: string; seq: number; sender: string; text: string; task: TaskGiven | undefined },
  entries: readonly TurnEntry[],
): PlacedMessage[] {
  const { messageId, seq, sender, text, task } = turn;
  const results = new Map<string, TurnEntry & { kind: 'result' }>();
  for (const item of entries) if (item.kind === 'result') results.set(item.entry.callId, item);
  const placed: PlacedMessage[] = [];
  const place = (entry: number, message: PromptMessage) => placed.push({ messageId, seq, entry, message });
  place(0, { role: 'user', from: sender, text, ...(task ? { task } : {}) });
  for (const item of entries) {
    if (item.kind === 'steer') place(item.id, steerMessage(item.entry));
    if (item.kind !== 'assistant' || item.entry.parts.length === 0) continue;
    place(item.id, { role: 'assistant', ...item.entry });
    const calls = item.entry.parts.filter((part) => part.type === 'call');
    if (calls.length === 0) continue;
    const ends = calls.map((call) => results.get(call.callId));
    place(Math.max(item.id, ...ends.map((end) => end?.id ?? 0)), {
      role: 'tool',
      results: calls.map((call, index) => ends[index]?.entry ?? unknownResult(call)),
    });
  }
  return placed;
}

function steerMessage({ text, why }: SteerEntry): PromptMessage {
  return why === undefined ? { role: 'user', from: 'user', text } : { role: 'note', text: clean(text) };
}
