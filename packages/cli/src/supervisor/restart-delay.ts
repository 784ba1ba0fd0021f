const FIRST_MS = 250;
const LONGEST_MS = 30_000;

/** A part that has run for this long is well again: its next end is its first. */
export const STABLE_AFTER_MS = 60_000;

/** How long to wait before the restart after `failures` ends in a row: 250 ms, doubling, at most 30 s. */
export function restartDelayMs(failures: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(Math.max(0, failures - 1), 20));
}
