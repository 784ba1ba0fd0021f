import type { FleetEvent } from '@openlegion/contract/control-api';
import type { EventLog } from '../delivery/event-log.ts';
import { type Subscription, subscribe } from '../delivery/subscribe.ts';

const HEARTBEAT_MS = 15_000;

/**
 * `text/event-stream` of a subscription: each event's number is its `id`, a comment every 15 s shows that the
 * stream lives. Pulled by the reader: one that does not read makes nothing grow here.
 */
export function eventStream(
  log: EventLog,
  subscription: Subscription,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const stop = new AbortController();
  const ended = AbortSignal.any([signal, stop.signal]);
  const pages = subscribe(log, subscription, ended);
  let next: Promise<IteratorResult<FleetEvent[]>> | undefined;
  return new ReadableStream(
    {
      async pull(controller) {
        next ??= pages.next();
        const beat = Promise.withResolvers<'beat'>();
        const timer = setTimeout(() => beat.resolve('beat'), HEARTBEAT_MS);
        const first = await Promise.race([next, beat.promise]).finally(() => clearTimeout(timer));
        if (first === 'beat') {
          controller.enqueue(encoder.encode(': alive\n\n'));
          return;
        }
        next = undefined;
        if (first.done) {
          controller.close();
          return;
        }
        const lines = first.value.map((event) => `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`);
        controller.enqueue(encoder.encode(lines.join('')));
      },
      cancel() {
        stop.abort();
      },
    },
    { highWaterMark: 0 },
  );
}
