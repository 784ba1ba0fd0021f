import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { boundedBody } from './bounded-body.ts';
import type { LargeWindow } from './large-window.ts';
import type { PipeRequest, PipeResponse } from './pipe.ts';
import type { PipeTimes } from './pipe-times.ts';
import { sendBody } from './send-body.ts';

const DEFAULT_MAX_BODY_BYTES = 1024 * 1024;
/** Interim answers (1xx) that a peer may send for one request. Ours sends none. */
const MAX_INTERIM_ANSWERS = 8;

/**
 * One request on the outer session. Resolves when the final headers are there. Whatever goes wrong, the stream is
 * reset and no timer or listener stays. An abort rejects with the signal's reason.
 */
export function sendRequest(options: {
  session: ClientHttp2Session;
  request: PipeRequest;
  times: PipeTimes;
  largeWindow: LargeWindow;
  onInterimFlood: () => void;
}): Promise<PipeResponse> {
  const { session, request, times, largeWindow, onInterimFlood } = options;
  return new Promise((resolve, reject) => {
    const { signal } = request;
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    if (session.closed || session.destroyed) {
      reject(endedError());
      return;
    }
    const stream = openStream(session, request);
    const giveBack = request.artifact ? largeWindow.take() : undefined;
    const abandon = () => stream.close(constants.NGHTTP2_CANCEL);
    let body: Readable | undefined;

    const headersTimeoutMs = request.headersTimeoutMs ?? times.headersTimeoutMs;
    const deadline = setTimeout(() => fail(deadlineError(request, headersTimeoutMs)), headersTimeoutMs);
    const onAbort = () => fail(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });

    function fail(reason: unknown): void {
      reject(reason);
      body?.destroy(reason instanceof Error ? reason : endedError(reason));
      abandon();
    }

    let interimAnswers = 0;
    stream.on('headers', () => {
      interimAnswers += 1;
      if (interimAnswers === MAX_INTERIM_ANSWERS) onInterimFlood();
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', onAbort);
      giveBack?.();
      // Only where it is heard: an error that nobody gets still costs its stack.
      if (!body) reject(endedError());
    });
    stream.on('response', (headers) => {
      clearTimeout(deadline);
      const answer = boundedBody({
        source: stream,
        maxBytes: request.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
        idleMs: times.idleTimeoutMs,
        abandon,
      });
      body = answer;
      resolve({
        status: Number(headers[':status']),
        headers,
        body: answer,
        text: () => text(answer),
        json: async () => parseJson(await text(answer), request),
      });
    });
    sendBody(stream, request.body);
  });
}

function openStream(session: ClientHttp2Session, request: PipeRequest): ClientHttp2Stream {
  try {
    return session.request(
      { ':method': request.method, ':path': request.path, ':scheme': 'http', ':authority': 'agent' },
      { endStream: false },
    );
  } catch (cause) {
    throw endedError(cause);
  }
}

function parseJson(json: string, request: PipeRequest): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new OpenLegionError(
      {
        code: 'upstream_failed',
        rule: 'pipe.json',
        message: `The agent answered ${request.method} ${pathOnly(request.path)} with something that is not JSON.`,
        remedy: 'Look at what runs in the agent; its own program answers with JSON.',
      },
      { cause },
    );
  }
}

export function endedError(cause?: unknown): OpenLegionError {
  return new OpenLegionError(
    {
      code: 'unavailable',
      rule: 'pipe.ended',
      message: 'The agent is not there: its pipe has ended.',
      remedy: 'Try again; the agent is started anew by the next message.',
    },
    { cause },
  );
}

function deadlineError(request: PipeRequest, timeoutMs: number): OpenLegionError {
  return new OpenLegionError({
    code: 'deadline_exceeded',
    rule: 'pipe.headers',
    message: `The agent did not answer ${request.method} ${pathOnly(request.path)} within ${timeoutMs / 1000} s.`,
    remedy: 'Try again; an agent that keeps failing to answer is restarted.',
  });
}

function pathOnly(path: string): string {
  return path.split('?', 1)[0] ?? path;
}
