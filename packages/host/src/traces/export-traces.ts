import type { MeshConfig } from '@openlegion/contract/mesh-config';
import type { Clock } from '../clock.ts';
import type { EventLog } from '../delivery/event-log.ts';
import { pause } from '../pause.ts';
import { otlpPayload } from './otlp-payload.ts';
import type { TraceReader } from './trace-reader.ts';

/** The ends of requests to the outside can be recorded a little after the trace's own. */
const SETTLE_MS = 2000;
const ANSWER_MS = 10_000;
const MOST_WAITING = 1000;
const RETRY_MS = [1000, 5000, 15_000, 60_000];
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const WARN_EVERY_MS = 60_000;

export interface TraceExport {
  /** Stops taking traces, and waits for the one on its way. */
  stop(): Promise<void>;
}

/**
 * Sends each trace that settles to `telemetry.otlp_endpoint`, one at a time, as OTLP/HTTP JSON. What the collector does
 * not take is tried again four times, then left out; beyond 1,000 that wait, the oldest are left out. Nothing waits for
 * it. Without an endpoint it does nothing.
 */
export function createTraceExport(parts: {
  telemetry: () => MeshConfig['telemetry'];
  events: EventLog;
  traces: Pick<TraceReader, 'show'>;
  version: string;
  clock: Clock;
  fetch: typeof globalThis.fetch;
  warn: (message: string) => void;
}): TraceExport {
  const { telemetry, events, traces, version, clock, fetch, warn } = parts;
  const stopping = new AbortController();
  const waiting: string[] = [];
  let sending: Promise<void> | undefined;
  let leftOut = 0;
  let warnedAt = Number.NEGATIVE_INFINITY;

  const stopListening = events.onEvent(({ traceId, event }) => {
    if (event.type !== 'trace_settled' || telemetry().otlp_endpoint === undefined) return;
    clock.after(SETTLE_MS, () => {
      if (stopping.signal.aborted) return;
      waiting.push(traceId);
      if (waiting.length > MOST_WAITING) leaveOut(waiting.shift(), 'the collector is too slow');
      sending ??= sendAll().finally(() => {
        sending = undefined;
      });
    });
  });

  async function sendAll(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { otlp_endpoint: endpoint, message_text: withText } = telemetry();
      if (endpoint === undefined) continue;
      try {
        const body = JSON.stringify(otlpPayload(await traces.show(next), { version, withText }));
        await send(endpoint, body);
      } catch (error) {
        leaveOut(next, error instanceof Error ? error.message : 'unknown');
      }
      if (stopping.signal.aborted) return;
    }
  }

  async function send(endpoint: string, body: string): Promise<void> {
    for (const waitMs of [...RETRY_MS, null]) {
      const outcome = await attemptOnce(endpoint, body);
      if (outcome.taken) return;
      if (!outcome.passing || waitMs === null || stopping.signal.aborted) throw new Error(outcome.why);
      await pause(clock, Math.max(waitMs, outcome.retryAfterMs), stopping.signal);
    }
  }

  async function attemptOnce(
    endpoint: string,
    body: string,
  ): Promise<{ taken: true } | { taken: false; passing: boolean; why: string; retryAfterMs: number }> {
    try {
      const answer = await fetch(`${endpoint.replace(/\/+$/, '').replace(/\/v1\/traces$/, '')}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        redirect: 'error',
        signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(ANSWER_MS)]),
      });
      await answer.body?.cancel();
      if (answer.ok) return { taken: true };
      const seconds = Number(answer.headers.get('retry-after') ?? 0);
      const retryAfterMs = Number.isFinite(seconds) ? Math.min(seconds, 300) * 1000 : 0;
      return {
        taken: false,
        passing: PASSING.has(answer.status),
        why: `it answered ${answer.status}`,
        retryAfterMs,
      };
    } catch (error) {
      const why =
        error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : '';
      return { taken: false, passing: true, why, retryAfterMs: 0 };
    }
  }

  function leaveOut(traceId: string | undefined, why: string): void {
    leftOut += 1;
    const now = clock.now();
    if (now - warnedAt < WARN_EVERY_MS || stopping.signal.aborted) return;
    warnedAt = now;
    warn(
      `telemetry.otlp_endpoint did not take the trace ${traceId} (${why}); ${leftOut} left out since the start`,
    );
  }

  return {
    async stop() {
      stopListening();
      stopping.abort();
      await sending;
    },
  };
}
