import { constants, type ServerHttp2Stream } from 'node:http2';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { REFUSAL_STATUS, type Refusal, type RefusalBody } from '@openlegion/contract/refusal';

const INTERNAL: Refusal = {
  code: 'internal',
  rule: 'host.internal',
  message: 'The host could not do this because of an error of its own.',
  remedy: 'Look in the log of the host for this time.',
};

/** Answers with the refusal's status and body. Where an answer has begun already the stream is reset instead. */
export function answerRefusal(stream: ServerHttp2Stream, refusal: Refusal): void {
  if (stream.destroyed || stream.closed) return;
  if (stream.headersSent) {
    // `close` would end the body properly first, and half an answer would look like a whole one.
    stream.destroy(new Error(refusal.rule));
    return;
  }
  const body: RefusalBody = { type: 'error', error: { type: 'openlegion_refusal', ...refusal } };
  // A body that nobody reads would stay half open; what comes of it is thrown away, within bounds.
  discardBody(stream);
  stream.respond({ ':status': REFUSAL_STATUS[refusal.code], 'content-type': 'application/json' });
  stream.end(JSON.stringify(body));
}

/** The refusal that an error stands for. What is not an OpenLegionError is `internal`, without its text or stack. */
export function refusalOf(error: unknown): Refusal {
  return error instanceof OpenLegionError ? error.refusal : INTERNAL;
}

const DISCARDED_BYTES = 2 * 1024 * 1024;
const DISCARD_MS = 5000;

function discardBody(stream: ServerHttp2Stream): void {
  let bytes = 0;
  const reset = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), DISCARD_MS);
  reset.unref();
  stream.once('close', () => clearTimeout(reset));
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DISCARDED_BYTES) stream.close(constants.NGHTTP2_NO_ERROR);
  });
}
