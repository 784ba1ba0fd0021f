import type { Readable, Writable } from 'node:stream';
import type { EgressClock } from './egress-clock.ts';

export interface Flow {
  clock: EgressClock;
  /** What of a piece goes on; may throw, which ends the pumping. */
  pass(chunk: Buffer): Buffer;
  /** How long to wait after so many bytes. */
  waitMs(bytes: number): number;
}

/**
 * Moves `source` into `sink` at the pace of the slower, and of `waitMs`. Resolves at the end of the source, and ends
 * the sink not: what belongs after the last piece is the caller's. Rejects when either breaks off.
 */
export function pump(source: Readable, sink: Writable, flow: Flow): Promise<void> {
  return new Promise((resolve, reject) => {
    let holds = 0;
    const hold = (): void => {
      holds += 1;
      source.pause();
    };
    const release = (): void => {
      holds -= 1;
      if (holds === 0) source.resume();
    };
    const finish = (error?: Error): void => {
      source.off('data', take).off('end', end).off('close', cut).off('error', finish);
      sink.off('close', cut).off('error', finish);
      if (error) reject(error);
      else resolve();
    };
    const end = (): void => finish();
    const cut = (): void => finish(new Error('a connection was cut'));
    const take = (chunk: Buffer): void => {
      try {
        const wait = flow.waitMs(chunk.length);
        const passed = flow.pass(chunk);
        if (passed.length > 0 && !sink.write(passed)) {
          hold();
          sink.once('drain', release);
        }
        if (wait === 0) return;
        hold();
        flow.clock.after(wait, release);
      } catch (error) {
        source.pause();
        finish(error instanceof Error ? error : new Error('refused'));
      }
    };
    source.on('data', take).once('end', end).once('close', cut).once('error', finish);
    sink.once('close', cut).once('error', finish);
    if (source.readableEnded) end();
    else if (source.destroyed || sink.destroyed) cut();
  });
}
