import type { ServerHttp2Stream } from 'node:http2';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Refusal, RefusalBody } from '@openlegion/contract/refusal';
import { REFUSAL_STATUS } from '@openlegion/contract/refusal-status';

/** Answers are no-ops on a stream that the host has already closed. */
export function answerJson(stream: ServerHttp2Stream, status: number, body: unknown): void {
  if (stream.destroyed || stream.headersSent) return;
  stream.respond({ ':status': status, 'content-type': 'application/json' });
  stream.end(JSON.stringify(body));
}

export function answerEmpty(stream: ServerHttp2Stream, status: number): void {
  if (stream.destroyed || stream.headersSent) return;
  stream.respond({ ':status': status }, { endStream: true });
}

/** The status is that of the refusal's code. An answer that has begun is cut off, so that it does not look whole. */
export function answerRefusal(stream: ServerHttp2Stream, refusal: Refusal): void {
  if (stream.headersSent) {
    stream.destroy(new Error(refusal.rule));
    return;
  }
  // What is still coming of a refused body is let go.
  stream.resume();
  const body: RefusalBody = { type: 'error', error: { type: 'openlegion_refusal', ...refusal } };
  answerJson(stream, REFUSAL_STATUS[refusal.code], body);
}

/** Any error as a refusal that is safe to show. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof OpenLegionError) return error.refusal;
  return {
    code: 'internal',
    rule: 'agent',
    message: 'The agent failed in a way it did not expect.',
    remedy: 'Its standard error says more; send the message again.',
  };
}
