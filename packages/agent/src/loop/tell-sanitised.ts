import type { TurnEvent } from '@openlegion/contract/turn-event';
import { type SanitiseTally, sanitise } from '../prompt/sanitise.ts';

/** Tells the trace what of `text` does not reach the prompt, where that is anything. */
export async function tellSanitised(
  source: string,
  text: string,
  emit: (event: TurnEvent) => Promise<void>,
): Promise<void> {
  const tally: SanitiseTally = { removed: 0, escaped: 0 };
  sanitise(text, tally);
  if (tally.removed > 0 || tally.escaped > 0)
    await emit({ type: 'sanitised', source: source.slice(0, 200), ...tally });
}
