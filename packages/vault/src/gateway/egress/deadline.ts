import type { EgressClock } from './egress-clock.ts';

/** Runs `expire` once when nothing was touched for `idleMs`, or `totalMs` after it was made. */
export interface Deadline {
  touch(): void;
  clear(): void;
}

export function createDeadline(
  clock: EgressClock,
  { idleMs, totalMs }: { idleMs: number; totalMs: number },
  expire: () => void,
): Deadline {
  const end = clock.now() + totalMs;
  let touched = clock.now();
  // Moved when it comes due, not at each touch: a fast stream touches it a thousand times a second.
  const check = (): void => {
    const due = Math.min(touched + idleMs, end);
    if (clock.now() >= due) expire();
    else cancel = clock.after(due - clock.now(), check);
  };
  let cancel = clock.after(Math.min(idleMs, totalMs), check);
  return {
    touch() {
      touched = clock.now();
    },
    clear: () => cancel(),
  };
}
