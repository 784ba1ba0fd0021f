import type { IncomingMessage } from 'node:http';
import { Readable, Transform } from 'node:stream';
import type { OpenOutside } from '../tools/send-outside.ts';

/** Of one answer; of a stream of events, from one line's end to the next. */
const ANSWER_BYTES = 8 * 1024 * 1024;
const HEADERS_OF_THE_CONNECTION = ['connection', 'content-length', 'host', 'transfer-encoding'];

/**
 * `fetch` for a server at an address: every request goes through the agent's proxy, which decides on it and adds a
 * credential, whatever address the server chose. Redirects are answers. An answer larger than 8 MiB breaks off.
 */
export function createOutsideFetch(
  open: OpenOutside,
): (url: string | URL, init?: RequestInit) => Promise<Response> {
  return async (address, init = {}) => {
    const url = new URL(address);
    if (url.protocol !== 'https:') throw new Error(`only https is spoken to servers, not ${url.protocol}`);
    const headers = Object.fromEntries(
      [...new Headers(init.headers)].filter(([name]) => !HEADERS_OF_THE_CONNECTION.includes(name)),
    );
    const body = init.body ?? undefined;
    if (body !== undefined && typeof body !== 'string') throw new Error('a body is text');
    const signal = init.signal ?? new AbortController().signal;
    const answer = await open(
      { method: init.method ?? 'GET', url, headers, ...(body === undefined ? {} : { body }) },
      signal,
    );
    return toResponse(answer);
  };
}

function toResponse(answer: IncomingMessage): Response {
  const headers = new Headers();
  for (let at = 0; at < answer.rawHeaders.length; at += 2)
    headers.append(answer.rawHeaders[at] ?? '', answer.rawHeaders[at + 1] ?? '');
  const { statusCode: status = 502, statusMessage: statusText = '' } = answer;
  if ([204, 205, 304].includes(status) || status < 200) {
    answer.resume();
    return new Response(null, { status: Math.max(status, 200), statusText, headers });
  }
  const events = headers.get('content-type')?.startsWith('text/event-stream') === true;
  const bounded = answer.pipe(boundedBytes(events));
  answer.once('error', (error) => bounded.destroy(error));
  bounded.once('close', () => answer.destroy());
  return new Response(Readable.toWeb(bounded) as ReadableStream<Uint8Array>, { status, statusText, headers });
}

function boundedBytes(untilLineEnd: boolean): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const end = untilLineEnd ? chunk.lastIndexOf(10) : -1;
      bytes = end === -1 ? bytes + chunk.length : chunk.length - end - 1;
      if (bytes > ANSWER_BYTES || chunk.length > ANSWER_BYTES)
        done(new Error('the server’s answer is too large'));
      else done(null, chunk);
    },
  });
}
