import type { AuditCheckpoint } from '@openlegion/contract/audit-record';
import type { Clock } from '../clock.ts';
import type { AuditLog } from './audit-log.ts';

const EVERY_RECORDS = 200;
const EVERY_MS = 60_000;

/**
 * Has the keeper sign the head of the chain: after 200 records, after 60 s with any record, and at stop. A failure
 * is reported and tried again at the next of these; the records themselves are safe meanwhile, only cutting off
 * their end would not show.
 */
export interface Checkpoints {
  /** To be called after each record. */
  onRecord(): void;
  /** Signs what is unsigned, now. Resolves also when the keeper is away. */
  flush(): Promise<void>;
  /** The same, for the last time. */
  stop(): Promise<void>;
}

export function createCheckpoints(options: {
  clock: Clock;
  audit: () => AuditLog;
  sign: (seq: number, hash: string) => Promise<AuditCheckpoint>;
  warn: (message: string) => void;
}): Checkpoints {
  const { clock, audit, sign, warn } = options;
  let unsigned = 0;
  let running: Promise<void> | undefined;
  let cancelTimer: (() => void) | undefined;

  async function checkpoint(): Promise<void> {
    cancelTimer?.();
    cancelTimer = undefined;
    const counted = unsigned;
    try {
      const { seq, hash } = audit().head();
      if (seq === 0) return;
      await audit().storeCheckpoint(await sign(seq, hash));
      unsigned -= counted;
    } catch (error) {
      warn(`the audit log could not be checkpointed: ${error instanceof Error ? error.message : 'unknown'}`);
    }
    if (unsigned > 0) schedule();
  }

  function run(): Promise<void> {
    running ??= checkpoint().finally(() => {
      running = undefined;
    });
    return running;
  }

  function schedule(): void {
    cancelTimer ??= clock.after(EVERY_MS, () => void run());
  }

  async function flush(): Promise<void> {
    await running;
    if (unsigned > 0) await run();
  }

  return {
    onRecord() {
      unsigned += 1;
      if (unsigned % EVERY_RECORDS === 0) void clock.after(0, () => void run());
      else schedule();
    },
    flush,
    async stop() {
      await flush();
      cancelTimer?.();
    },
  };
}
