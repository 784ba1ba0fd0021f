import type { Clock } from '../clock.ts';

/**
 * Work that waits in the database, done by the host itself: at once when it is kicked, again when something comes
 * due, and one run at a time.
 */
export interface Pump {
  kick(): void;
  /** Starts nothing more; resolves when what was running has ended. */
  stop(): Promise<void>;
}

const AFTER_FAILURE_MS = 1000;

/** `run` does what is due and resolves with how long until more is, in milliseconds; null when nothing waits. */
export function createPump(parts: {
  clock: Clock;
  run: () => Promise<number | null>;
  warn: (message: string) => void;
}): Pump {
  const { clock, run, warn } = parts;
  let running: Promise<void> | null = null;
  let again = false;
  let stopping = false;
  let cancel: (() => void) | undefined;

  async function work(): Promise<void> {
    do {
      again = false;
      const waitMs = await run().catch((error) => {
        warn(error instanceof Error ? error.message : 'unknown');
        return AFTER_FAILURE_MS;
      });
      cancel?.();
      cancel = waitMs === null || stopping ? undefined : clock.after(Math.max(waitMs, 1), kick);
    } while (again && !stopping);
  }

  function kick(): void {
    again = true;
    if (stopping || running) return;
    running = work().finally(() => {
      running = null;
      if (again && !stopping) kick();
    });
  }

  return {
    kick,
    async stop() {
      stopping = true;
      cancel?.();
      await running;
    },
  };
}
