import { isDiskFull } from './open-database.ts';

/** Brings to disk, together and soon, what relaxed transactions have left to the kernel. */
export interface Flush {
  /** To be called after each of them. */
  soon(): void;
  stop(): void;
}

/** How long a committed record may be in the kernel's memory alone. */
export const FLUSH_AFTER_MS = 50;

/** `flush` is one durable transaction, `later` calls once, after `FLUSH_AFTER_MS`. A disk that fails ends the process. */
export function createFlush(flush: () => void, later: (run: () => void) => void): Flush {
  let waiting = false;
  let stopped = false;
  return {
    soon() {
      if (waiting) return;
      waiting = true;
      later(() => {
        waiting = false;
        try {
          if (!stopped) flush();
        } catch (error) {
          // Calls are refused for a full disk by their own commits; the next that is not brings this along.
          if (!isDiskFull(error)) throw error;
        }
      });
    },
    stop() {
      stopped = true;
    },
  };
}
