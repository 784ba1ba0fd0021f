import type { RecordedRound, RecordedTurn } from '@openlegion/contract/recording';
import { type TurnEntry, unknownResult } from './order-turn.ts';

/** A turn as it can be played again: each answer of the model with the results of its calls. */
export function recordTurn(entries: readonly TurnEntry[]): RecordedTurn {
  const results = new Map(
    entries.flatMap((item) => (item.kind === 'result' ? [[item.entry.callId, item.entry] as const] : [])),
  );
  const rounds: RecordedRound[] = [];
  const nothing: Pick<RecordedRound, 'after' | 'steered'> = { after: null, steered: false };
  let came = nothing;
  for (const item of entries) {
    if (item.kind === 'steer')
      came = { after: item.entry.text, steered: item.entry.why === undefined || came.steered };
    if (item.kind !== 'assistant') continue;
    const { parts } = item.entry;
    rounds.push({
      ...came,
      text: parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join(''),
      calls: parts.flatMap((part) => {
        if (part.type !== 'call') return [];
        const { callId, tool, input } = part;
        const { outcome, output } = results.get(callId) ?? unknownResult(part);
        return [{ callId, tool, arguments: input, outcome, output }];
      }),
    });
    came = nothing;
  }
  return { rounds };
}
