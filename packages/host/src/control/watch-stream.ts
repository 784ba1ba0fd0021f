import type { BlackboardVersion } from '@openlegion/contract/blackboard';

const HEARTBEAT_MS = 15_000;

/**
 * Changes as lines of JSON, an empty line every 15 s in which there was none. Pulled by the reader: one that does not
 * read makes nothing grow here. What `watch` throws is thrown before the answer begins.
 */
export function watchStream(
  watch: (signal: AbortSignal) => AsyncGenerator<BlackboardVersion, void, void>,
  signal: AbortSignal,
): Response {
  const encoder = new TextEncoder();
  const stop = new AbortController();
  const changes = watch(AbortSignal.any([signal, stop.signal]));
  let next: Promise<IteratorResult<BlackboardVersion, void>> | undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // So that the reader has the answer's head at once.
        controller.enqueue(encoder.encode('\n'));
      },
      async pull(controller) {
        next ??= changes.next();
        const beat = Promise.withResolvers<'beat'>();
        const timer = setTimeout(() => beat.resolve('beat'), HEARTBEAT_MS);
        const first = await Promise.race([next, beat.promise]).finally(() => clearTimeout(timer));
        if (first === 'beat') return controller.enqueue(encoder.encode('\n'));
        next = undefined;
        if (first.done) return controller.close();
        controller.enqueue(encoder.encode(`${JSON.stringify(first.value)}\n`));
      },
      cancel() {
        stop.abort();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { 'content-type': 'application/x-ndjson' } });
}
