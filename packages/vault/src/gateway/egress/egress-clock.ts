/** Time as the egress gets it, so that tests can turn it by hand. */
export interface EgressClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `run` once after `ms`; the function returned cancels it. Never keeps the process alive by itself. */
  after(ms: number, run: () => void): () => void;
}

export function createEgressClock(): EgressClock {
  return {
    now: Date.now,
    after(ms, run) {
      const timer = setTimeout(run, ms).unref();
      return () => clearTimeout(timer);
    },
  };
}
