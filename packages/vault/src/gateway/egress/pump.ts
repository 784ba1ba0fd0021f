import type { Readable, Writable } from 'node:stream';
import type { EgressClock } from './egress-clock.ts';

/** How fast one direction may go. */
export interface Pace {
  clock: EgressClock;
  /** How long to wait after so many bytes; may throw, which ends the pumping. */
  waitMs(bytes: number): number;
}

/**
 * Moves `source` into `sink`, each piece as `pass` returns it, at the pace of the slower. Resolves at the end of the
 * source, and ends the sink not: what belongs after the last piece is the caller's. Rejects when either breaks off, or
 * `pass` throws.
 */
export function pump(source: Readable, sink: Writable, pace: Pace, pass: (chunk: Buffer) => Buffer) {
  return new Promise<void>((resolve, reject) => {
    let holds = 0;
    const hold = (): void => {
      holds += 1;
      source.pause();
    };
    const release = (): void => {
      holds -= 1;
      if (holds === 0) source.resume();
    };
    const finish = (settle: () => void): void => {
      source.off('data', take).off('end', end).off('close', cut).off('error', cut);
      sink.off('close', cut).off('error', cut);
      settle();
    };
    const end = (): void => finish(resolve);
    const cut = (error?: Error): void => finish(() => reject(error ?? new Error('a connection was cut')));
    const take = (chunk: Buffer): void => {
      try {
        const wait = pace.waitMs(chunk.length);
        const passed = pass(chunk);
        if (passed.length > 0 && !sink.write(passed)) {
          hold();
          sink.once('drain', release);
        }
        if (wait === 0) return;
        hold();
        pace.clock.after(wait, release);
      } catch (error) {
        source.pause();
        finish(() => reject(error));
      }
    };
    source.on('data', take).once('end', end).once('close', cut).once('error', cut);
    sink.once('close', cut).once('error', cut);
    if (source.readableEnded) end();
    else if (source.destroyed || sink.destroyed) cut();
  });
}
