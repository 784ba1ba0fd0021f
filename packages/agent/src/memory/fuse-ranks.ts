/** What the first places are kept from outweighing (Cormack et al. 2009, reciprocal rank fusion). */
const SMOOTHING = 60;

export interface Ranked {
  /** The best first. */
  facts: readonly number[];
  weight: number;
}

/** One score for each fact of several ranked lists: the sum of weight / (60 + rank), whatever the lists' own scales. */
export function fuseRanks(lists: readonly Ranked[]): Map<number, number> {
  const scores = new Map<number, number>();
  for (const { facts, weight } of lists) {
    for (const [rank, fact] of facts.entries()) {
      scores.set(fact, (scores.get(fact) ?? 0) + weight / (SMOOTHING + rank + 1));
    }
  }
  return scores;
}
