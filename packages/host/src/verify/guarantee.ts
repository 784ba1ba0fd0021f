import type { Guarantee } from '@openlegion/contract/control-api';
import { PROMISES, type PromiseId } from './promises.ts';

const EVIDENCE_CHARACTERS = 4000;

/**
 * One guarantee from what was seen. `declared` is the reason for which the backend says that it cannot give this: it
 * excuses a promise that was seen not to hold, and never one that nobody tried. What holds although it was declared
 * missing is `holds`, and the evidence says so. Where there is something `wrong`, it does not hold, and that is the
 * evidence.
 */
export function judged(
  id: PromiseId,
  seen: {
    holds: boolean;
    wrong?: readonly string[];
    evidence: string;
    why: string;
    declared?: string | undefined;
  },
): Guarantee {
  const { wrong = [] } = seen;
  const evidence = (wrong.length > 0 ? lines(wrong, 40) : seen.evidence).slice(0, EVIDENCE_CHARACTERS);
  if (seen.holds && wrong.length === 0) {
    const although = seen.declared
      ? `\n(The sandbox declares that it cannot give this: ${seen.declared}.)`
      : '';
    return { ...PROMISES[id], verdict: 'holds', evidence: evidence + although, why: '' };
  }
  if (seen.declared) return { ...PROMISES[id], verdict: 'cannot_be_given', evidence, why: seen.declared };
  return { ...PROMISES[id], verdict: 'broken', evidence, why: seen.why };
}

/** A promise whose check did not run to its end: never passed over in silence, and never counted as held. */
export function unchecked(id: PromiseId, error: unknown): Guarantee {
  const text = error instanceof Error ? error.message : String(error);
  return {
    ...PROMISES[id],
    verdict: 'broken',
    evidence: `the check did not run to its end: ${text.slice(0, 500)}`,
    why: 'Nothing is known of this promise. Run "./openlegion verify" again; data/logs/host.log says more.',
  };
}

/** At most `most` of `items`, one a line, and how many more there are. */
export function lines(items: readonly string[], most = 20): string {
  const shown = items.slice(0, most).join('\n');
  return items.length > most ? `${shown}\n… and ${items.length - most} more` : shown;
}

/** The words of a list that is easier to read as text. */
export function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
