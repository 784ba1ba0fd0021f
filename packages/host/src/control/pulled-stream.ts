const HEARTBEAT_MS = 15_000;

/**
 * What comes, as text, and `heartbeat` for every 15 s in which nothing did. Pulled by the reader: one that does not
 * read makes nothing grow here. What `items` throws when it is called is thrown before the answer begins.
 */
export function pulledStream<T>(options: {
  contentType: string;
  items: (signal: AbortSignal) => AsyncGenerator<T, void, void>;
  textOf: (item: T) => string;
  heartbeat: string;
  /** Sent at once, so that the reader has the answer's head. */
  first?: string;
  signal: AbortSignal;
}): Response {
  const { textOf, heartbeat, first = '' } = options;
  const encoder = new TextEncoder();
  const stop = new AbortController();
  const items = options.items(AbortSignal.any([options.signal, stop.signal]));
  let next: Promise<IteratorResult<T, void>> | undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (first !== '') controller.enqueue(encoder.encode(first));
      },
      async pull(controller) {
        next ??= items.next();
        const beat = Promise.withResolvers<'beat'>();
        const timer = setTimeout(() => beat.resolve('beat'), HEARTBEAT_MS);
        const came = await Promise.race([next, beat.promise]).finally(() => clearTimeout(timer));
        if (came === 'beat') return controller.enqueue(encoder.encode(heartbeat));
        next = undefined;
        if (came.done) return controller.close();
        controller.enqueue(encoder.encode(textOf(came.value)));
      },
      cancel() {
        stop.abort();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { 'content-type': options.contentType } });
}
