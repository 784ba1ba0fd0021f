import type { FleetEvent } from '@openlegion/contract/control-api';
import type { EventLog } from './event-log.ts';

/** Events read from the log at a time: what one reader can make the host hold. */
const PAGE = 200;

export interface Subscription {
  /** Only events of this trace; the stream then ends after its `trace_settled`. */
  traceId?: string | undefined;
  /** Only events of this agent. */
  agent?: string | undefined;
  /** Resume after this number. Where absent: the whole of a trace, or only what is new. */
  after?: number | undefined;
}

/**
 * The events of a subscription, in order, in pages, until it ends or `signal` aborts. Nothing is buffered for a
 * reader: it reads from the log at its own pace, so a slow one costs no memory and loses only deltas that memory
 * no longer holds (each turn's `turn_ended` repeats the text whole).
 */
export async function* subscribe(
  log: EventLog,
  { traceId, agent, after }: Subscription,
  signal: AbortSignal,
): AsyncGenerator<FleetEvent[]> {
  let cursor = after ?? (traceId === undefined ? log.lastSeq() : 0);
  let wake: (() => void) | undefined;
  const stopListening = log.onEvent(() => wake?.());
  const onAbort = () => wake?.();
  signal.addEventListener('abort', onAbort);
  try {
    while (!signal.aborted) {
      const page = log.readAfter(cursor, traceId ?? null, PAGE);
      const last = page.at(-1);
      if (!last) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await promise;
        wake = undefined;
        continue;
      }
      cursor = last.seq;
      const wanted = agent === undefined ? page : page.filter((event) => event.agent === agent);
      if (wanted.length > 0) yield wanted;
      if (traceId !== undefined && page.some((event) => event.event.type === 'trace_settled')) return;
    }
  } finally {
    stopListening();
    signal.removeEventListener('abort', onAbort);
  }
}
