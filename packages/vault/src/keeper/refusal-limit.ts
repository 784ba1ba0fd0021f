/**
 * How many refusals are written down. Each costs a write to disk, and a hostile agent can cause them without end at
 * no cost of its own: per key (an agent and a rule) `PER_MINUTE` are recorded, the rest only counted.
 */
export interface RefusalLimit {
  /** Null: do not record. Otherwise how many like it went unrecorded since the last that was. */
  take(key: string): number | null;
}

const PER_MINUTE = 20;
const MINUTE_MS = 60_000;
const MOST_KEYS = 1000;

export function createRefusalLimit(now: () => number): RefusalLimit {
  const windows = new Map<string, { startedMs: number; recorded: number; unrecorded: number }>();
  return {
    take(key) {
      const at = now();
      let window = windows.get(key);
      if (!window) {
        // Keys come from policy's agents and our own rules; should they be many, forgetting only records more.
        if (windows.size >= MOST_KEYS) windows.clear();
        window = { startedMs: at, recorded: 0, unrecorded: 0 };
        windows.set(key, window);
      }
      if (at - window.startedMs >= MINUTE_MS || at < window.startedMs) {
        window.startedMs = at;
        window.recorded = 0;
      }
      if (window.recorded >= PER_MINUTE) {
        window.unrecorded += 1;
        return null;
      }
      window.recorded += 1;
      const { unrecorded } = window;
      window.unrecorded = 0;
      return unrecorded;
    },
  };
}
