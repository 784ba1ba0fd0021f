import { once } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import type { TurnEvent } from '@openlegion/contract/turn-event';

export interface TurnStream {
  /** One line. Waits while the reader is slow; once it is gone events go nowhere. */
  emit(event: TurnEvent): Promise<void>;
  end(): void;
}

/** The answer to `POST /chat/stream`. `onGone` is called when the host closes it before its end. */
export function openTurnStream(stream: ServerHttp2Stream, onGone: () => void): TurnStream {
  let ended = false;
  const gone = new Promise<void>((resolve) => stream.once('close', resolve));
  stream.once('close', () => {
    if (!ended) onGone();
  });
  // A reset of the stream is no news beside its close.
  stream.on('error', () => {});
  if (!stream.destroyed) stream.respond({ ':status': 200, 'content-type': 'application/x-ndjson' });
  return {
    async emit(event) {
      if (stream.destroyed || stream.writableEnded) return;
      if (stream.write(`${JSON.stringify(event)}\n`)) return;
      const drained = new AbortController();
      const drain = once(stream, 'drain', { signal: drained.signal }).catch(() => {});
      await Promise.race([drain, gone]);
      drained.abort();
    },
    end() {
      ended = true;
      if (!stream.destroyed) stream.end();
    },
  };
}
