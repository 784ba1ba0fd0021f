import type { NewFact } from '../../packages/agent/src/memory/memory.ts';
import type { MemorySet } from '../../packages/agent/src/testing/read-memory-set.ts';

const VOCABULARY = 30_000;
const SYLLABLES =
  'ba be bi bo bu da de di do du ka ke ki ko ku la le li lo lu ma me mi mo mu na ne ni no nu ra re ri ro ru'.split(
    ' ',
  );
const CATEGORIES = ['note', 'ticket', 'reading', 'meeting', 'figure', 'contact', 'place', 'habit'];

/**
 * Facts that the labelled ones are lost among: sentences of made words, as rare or common as words of a language are
 * (Zipf), and of words of the labelled facts, so that every query finds a lot that does not answer it.
 */
export function madeFacts(set: MemorySet, count: number): NewFact[] {
  const random = randomOf(1);
  const real = [...new Set(set.facts.flatMap(({ text }) => text.match(/[\p{L}\p{N}]+/gu) ?? []))];
  const made = Array.from({ length: VOCABULARY }, () =>
    Array.from({ length: 2 + Math.floor(random() * 3) }, () => pick(SYLLABLES, random())).join(''),
  );
  return Array.from({ length: count }, (_, index) => {
    const words = Array.from({ length: 6 + Math.floor(random() * 8) }, () =>
      random() < 0.25 ? pick(real, random()) : (made[Math.floor(VOCABULARY ** random()) - 1] ?? ''),
    );
    return {
      text: `${words.join(' ')} ${index}`,
      category: CATEGORIES[index % CATEGORIES.length] ?? '',
      source: { messageId: 'made' },
    };
  });
}

function pick(words: readonly string[], at: number): string {
  return words[Math.floor(at * words.length)] ?? '';
}

/** The same numbers in every run (Numerical Recipes' linear congruential generator). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
