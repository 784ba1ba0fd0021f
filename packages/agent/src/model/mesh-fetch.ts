import type { Readable } from 'node:stream';
import { readText } from '../mesh/read-answer.ts';
import type { MeshClient } from '../pipe/pipe.ts';

const MAX_ERROR_BYTES = 64 * 1024;

/** What came back instead of a stream. */
export interface HttpFailure {
  status: number;
  body: string;
  retryAfter: string | undefined;
}

export interface MeshFetch {
  fetch: typeof globalThis.fetch;
  /** The last answer of 400 and above, read here: adapters would read bodies without a bound. */
  failure(): HttpFailure | undefined;
}

/** `fetch` for one model call, through the pipe. Only what the host forwards is sent: content type and accept. */
export function createMeshFetch(mesh: MeshClient): MeshFetch {
  let failure: HttpFailure | undefined;
  return {
    failure: () => failure,
    fetch: async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      const headers = new Headers(init?.headers);
      const answer = await mesh.call({
        method: 'POST',
        path: url.pathname + url.search,
        headers: {
          'content-type': headers.get('content-type') ?? 'application/json',
          accept: headers.get('accept') ?? '*/*',
        },
        ...(typeof init?.body === 'string' ? { body: init.body } : {}),
        ...(init?.signal ? { signal: init.signal } : {}),
      });
      const contentType = answer.headers['content-type'];
      const responseHeaders = new Headers(contentType === undefined ? {} : { 'content-type': contentType });
      if (answer.status < 400) {
        return new Response(toWeb(answer.body), { status: answer.status, headers: responseHeaders });
      }
      const body = await readText(answer, MAX_ERROR_BYTES);
      failure = { status: answer.status, body, retryAfter: answer.headers['retry-after'] };
      return new Response(body, { status: answer.status, headers: responseHeaders });
    },
  };
}

/** Pulled, never pushed: what the adapter has not read waits in the pipe. An error of the body is one of the stream. */
function toWeb(body: Readable): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Buffer> = body[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await chunks.next();
        if (next.done) controller.close();
        else controller.enqueue(new Uint8Array(next.value));
      },
      cancel() {
        body.destroy();
      },
    },
    { highWaterMark: 0 },
  );
}
