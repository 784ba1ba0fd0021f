import { setImmediate } from 'node:timers/promises';
import type { BlackboardVersion } from '@openlegion/contract/blackboard';

/**
 * Tells changes from the database, not from memory: a reader that is slow, or does not read, holds back nothing and
 * costs nothing but the page it is at. It then misses versions that were overwritten and dropped meanwhile, never
 * the newest of a key.
 */
export interface WatchHub {
  /** There is something new in `namespace`. */
  announce(namespace: string, key: string): void;
  /**
   * Changes of keys that start with `prefix`, after `after`, oldest first; waits for more until `signal` aborts.
   * `read` gives those after a change, whether these were all up to `upTo`, and whether there are `more` beyond it.
   */
  watch(options: {
    namespace: string;
    prefix: string;
    after: number;
    signal: AbortSignal;
    read: (after: number) => { changes: BlackboardVersion[]; complete: boolean; upTo: number; more: boolean };
  }): AsyncGenerator<BlackboardVersion, void, void>;
}

export function createWatchHub(): WatchHub {
  const waiting = new Set<{ namespace: string; prefix: string; wake: () => void }>();

  function change(namespace: string, prefix: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const entry = { namespace, prefix, wake: done };
      function done(): void {
        waiting.delete(entry);
        signal.removeEventListener('abort', done);
        resolve();
      }
      waiting.add(entry);
      signal.addEventListener('abort', done);
    });
  }

  return {
    announce(namespace, key) {
      for (const watcher of waiting) {
        if (watcher.namespace === namespace && key.startsWith(watcher.prefix)) watcher.wake();
      }
    },
    async *watch({ namespace, prefix, after, signal, read }) {
      let cursor = after;
      while (!signal.aborted) {
        const { changes, complete, upTo, more } = read(cursor);
        for (const version of changes) {
          if (signal.aborted) return;
          cursor = version.seq;
          yield version;
        }
        // What is written while the reader is at a change is seen by reading again, so nobody waits in vain.
        if (complete) cursor = Math.max(cursor, upTo);
        if (changes.length > 0) continue;
        if (more) await setImmediate();
        else await change(namespace, prefix, signal);
      }
    },
  };
}
