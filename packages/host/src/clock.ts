/** Time as the host's parts get it, so that tests can turn it by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `run` once after `ms`; the function returned cancels it. Never keeps the process alive by itself. */
  after(ms: number, run: () => void): () => void;
}

export function createSystemClock(): Clock {
  return {
    now: () => Date.now(),
    after(ms, run) {
      const timer = setTimeout(run, ms);
      timer.unref();
      return () => clearTimeout(timer);
    },
  };
}

/** ISO 8601 in UTC, with milliseconds: how every time is stored and shown. */
export function isoTime(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}
