/**
 * How little the first places weigh more than the next ones. 60 in the paper (Cormack et al. 2009), for lists of a
 * thousand; for ten facts out of lists of a hundred what is first in any list has to be among the ten (measured:
 * decision 0020).
 */
const SMOOTHING = 10;

export interface Ranked {
  /** The best first. */
  facts: readonly number[];
  weight: number;
}

/** One score for each fact of several ranked lists: the sum of weight / (10 + rank), whatever the lists' own scales. */
export function fuseRanks(lists: readonly Ranked[]): Map<number, number> {
  const scores = new Map<number, number>();
  for (const { facts, weight } of lists) {
    for (const [rank, fact] of facts.entries()) {
      scores.set(fact, (scores.get(fact) ?? 0) + weight / (SMOOTHING + rank + 1));
    }
  }
  return scores;
}
