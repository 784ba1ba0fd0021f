const DAY_MS = 86_400_000;
const MOST_BOOST = 10;
const FADE = 0.95;
const LEAST = 0.01;

export interface Use {
  accesses: number;
  /** Of the last access, or of the fact itself: Unix time in milliseconds. */
  accessedAt: number;
  /** Tasks that ended since. */
  fades: number;
}

/**
 * How present a fact is: raised by each access, the more so the fresher it is, and lowered with every task that ends
 * without one. min(10, 1 + ln(1 + n) × max(0.1, 1 − 0.05 × days)) × max(0.01, 0.95^tasks): between 0.01 and 10.
 */
export function salience({ accesses, accessedAt, fades }: Use, now: number): number {
  const days = Math.max(0, now - accessedAt) / DAY_MS;
  const boost = Math.min(MOST_BOOST, 1 + Math.log(1 + accesses) * Math.max(0.1, 1 - 0.05 * days));
  return boost * Math.max(LEAST, FADE ** fades);
}
