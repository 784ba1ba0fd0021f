import { setTimeout as delay } from 'node:timers/promises';
import type { FleetEvent } from '@openlegion/contract/control-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { ControlClient } from './control-client.ts';
import { parseEventStream } from './parse-event-stream.ts';

const RETRY_MS = 250;

/**
 * Every event of a message's trace, once and in order, to its end. When the host goes away the stream is taken up
 * after the last event seen; `onAway` tells that. Throws `unavailable` when it stays away for `patienceMs`.
 */
export async function* followMessage(options: {
  control: ControlClient;
  messageId: string;
  patienceMs: number;
  onAway: () => void;
  signal?: AbortSignal;
}): AsyncGenerator<FleetEvent> {
  const { control, messageId, patienceMs, onAway, signal } = options;
  let after = 0;
  let awaySince: number | null = null;
  while (!signal?.aborted) {
    try {
      const path = `/api/events?message=${encodeURIComponent(messageId)}&after=${after}`;
      const stream = await control.stream({ method: 'GET', path, ...(signal ? { signal } : {}) });
      for await (const event of parseEventStream(stream)) {
        if (event.seq <= after) continue;
        awaySince = null;
        after = event.seq;
        yield event;
        if (event.event.type === 'trace_settled') return;
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (error instanceof OpenLegionError && !isAway(error)) throw error;
    }
    if (awaySince === null) {
      awaySince = performance.now();
      onAway();
    } else if (performance.now() - awaySince > patienceMs) {
      throw new OpenLegionError({
        code: 'unavailable',
        rule: 'cli.host_away',
        message: `The host has not answered for ${Math.round(patienceMs / 1000)} s.`,
        remedy: 'Your message is on disk and is answered when the host is up again: ./openlegion start -d.',
      });
    }
    await delay(RETRY_MS);
  }
}

function isAway(error: OpenLegionError): boolean {
  return error.code === 'unavailable';
}
