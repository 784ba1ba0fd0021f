import type { Route } from '@openlegion/contract/mesh-api';
import { splitModelName } from '@openlegion/contract/model-name';
import { parseRefusal, readText } from '../mesh/read-answer.ts';
import { describeBrokenStream, isTransient } from '../model/describe-failure.ts';
import type { MeshAnswer } from '../pipe/pipe.ts';
import { type CallFailure, type Exchange, write } from './exchange.ts';
import { hasEnvelope, withoutEnvelopes } from './reasoning-envelope.ts';
import { writeEvents } from './write-events.ts';

const MAX_ERROR_BYTES = 64 * 1024;
/** The name of an event or the start of a data line, which may lie across two pieces. */
const OVERLAP_CHARS = 64;

/**
 * The client's request to a provider of its own dialect, with the model's name for ours and without what other
 * dialects left in it; the answer as it comes. A stream that ends without its last event gets the dialect's error.
 */
export async function passThrough(exchange: Exchange, route: Route): Promise<CallFailure | undefined> {
  const { mesh, wire, response, signal, stream } = exchange;
  const { provider, model } = splitModelName(route.model);
  const answer = await call();
  if (answer.status >= 400) return failureOf(answer);
  const contentType = answer.headers['content-type'] ?? 'application/json';
  const pieces: AsyncIterator<Buffer> = answer.body[Symbol.asyncIterator]();
  let piece: IteratorResult<Buffer>;
  try {
    piece = await pieces.next();
  } catch (error) {
    signal.throwIfAborted();
    return broken(error);
  }
  if (stream && /^(?:event: ?error\b|data: ?\{"error")/.test(String(piece.value ?? '').trimStart())) {
    answer.body.destroy();
    return broken(new Error(String(piece.value).slice(0, 1000)));
  }
  response.writeHead(answer.status, { 'content-type': contentType });
  let tail = '';
  let ended = false;
  let cause: unknown = new Error('the stream ended before the answer did');
  try {
    for (; !piece.done; piece = await pieces.next()) {
      const text = tail + piece.value.toString('latin1');
      ended ||= wire.ending.test(text);
      tail = text.slice(-OVERLAP_CHARS);
      await write(response, piece.value, signal);
    }
  } catch (error) {
    signal.throwIfAborted();
    // An answer that is not a stream is cut where it broke, so that nobody takes it for whole.
    if (!stream) {
      response.destroy();
      return undefined;
    }
    cause = error;
  } finally {
    answer.body.destroy();
  }
  if (stream && !ended) {
    const writer = wire.createWriter({
      model: route.model,
      dialect: route.dialect,
      id: '',
      created: 0,
      inputTokens: 0,
      request: null,
    });
    await write(response, '\n\n', signal);
    await writeEvents(response, writer.failed(describeBrokenStream(route.model, cause)), signal);
  }
  response.end();
  return undefined;

  function call(): Promise<MeshAnswer> {
    const text = JSON.stringify({ ...exchange.body, model });
    return mesh.call({
      method: 'POST',
      path: `/llm/${provider}/${wire.path}`,
      headers: {
        'content-type': 'application/json',
        accept: stream ? 'text/event-stream' : 'application/json',
      },
      body: hasEnvelope(text) ? withoutForeign({ ...exchange.body, model }, text) : text,
      signal,
    });
  }

  async function failureOf(answer: MeshAnswer): Promise<CallFailure> {
    const body = await readText(answer, MAX_ERROR_BYTES);
    const transient = isTransient(answer.status, parseRefusal(body));
    return { status: answer.status, body, retryAfter: answer.headers['retry-after'], transient };
  }

  function broken(error: unknown): CallFailure {
    const refusal = describeBrokenStream(route.model, error);
    return { status: 502, body: wire.error(502, refusal), retryAfter: undefined, transient: true };
  }
}

/** Anthropic wants the reasoning of a turn back whole when it is to reason on: without it, it is not to. */
function withoutForeign(body: Record<string, unknown>, text: string): string {
  const kept = JSON.stringify(withoutEnvelopes(body));
  // Where a text only speaks of one, nothing was left out.
  return kept === text ? text : JSON.stringify(withoutEnvelopes({ ...body, thinking: undefined }));
}
