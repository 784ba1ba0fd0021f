import type { AssistantEntry, ResultEntry } from './entry.ts';
import type { PromptMessage } from './prompt-turn.ts';

export type TurnEntry =
  | { kind: 'assistant'; entry: AssistantEntry }
  | { kind: 'result'; entry: ResultEntry }
  | { kind: 'steer'; text: string };

const UNKNOWN_OUTPUT =
  'outcome unknown: the agent stopped while this call was under way. It may or may not have taken effect, and it was not run again.';

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

/**
 * The messages of a turn as a model must see them: every call directly followed by its result, in the order of the
 * calls whatever order they ended in, and one that has none by `unknownResult`. Results of calls that nobody made
 * are left out.
 */
export function orderTurn(sender: string, text: string, entries: readonly TurnEntry[]): PromptMessage[] {
  const results = new Map<string, ResultEntry>();
  for (const item of entries) if (item.kind === 'result') results.set(item.entry.callId, item.entry);
  const messages: PromptMessage[] = [{ role: 'user', from: sender, text }];
  for (const item of entries) {
    if (item.kind === 'steer') messages.push({ role: 'user', from: 'user', text: item.text });
    if (item.kind !== 'assistant' || item.entry.parts.length === 0) continue;
    messages.push({ role: 'assistant', ...item.entry });
    const calls = item.entry.parts.filter((part) => part.type === 'call');
    if (calls.length === 0) continue;
    messages.push({
      role: 'tool',
      results: calls.map((call) => results.get(call.callId) ?? unknownResult(call)),
    });
  }
  return messages;
}
