import type { Clock } from './clock.ts';

/** A clock for tests: it moves only by `advance`, which runs what has come due, in order. */
export function createManualClock(startMs = Date.UTC(2026, 0, 1)): Clock & {
  advance(ms: number): void;
  /** How many timers are waiting. */
  waiting(): number;
} {
  let now = startMs;
  let timers: { due: number; run: () => void }[] = [];
  return {
    now: () => now,
    after(ms, run) {
      const timer = { due: now + ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = timers.filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due)[0];
        if (!next) break;
        timers = timers.filter((timer) => timer !== next);
        now = next.due;
        next.run();
      }
      now = end;
    },
    waiting: () => timers.length,
  };
}
