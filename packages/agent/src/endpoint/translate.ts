import { randomUUID } from 'node:crypto';
import type { Route } from '@openlegion/contract/mesh-api';
import { splitModelName } from '@openlegion/contract/model-name';
import type { Refusal } from '@openlegion/contract/refusal';
import { parseRefusal } from '../mesh/read-answer.ts';
import { loadAdapter } from '../model/adapter.ts';
import { describeBrokenStream, describeHttpFailure, isTransient } from '../model/describe-failure.ts';
import { createMeshFetch } from '../model/mesh-fetch.ts';
import { adapterOptions } from './adapter-options.ts';
import { refusalBody } from './answer-error.ts';
import { answerPieces, BrokenAnswer, type Piece } from './answer-pieces.ts';
import { countTokens } from './count-tokens.ts';
import { type CallFailure, type Exchange, SSE_HEADERS } from './exchange.ts';
import { sendJson } from './send-refusal.ts';
import { writeEvents } from './write-events.ts';

/**
 * The client's request to a provider of another dialect, and its answer on the client's wire. Nothing is sent before
 * the first piece of the answer is there; what breaks off after it ends with the dialect's error.
 */
export async function translate(exchange: Exchange, route: Route): Promise<CallFailure | undefined> {
  const { wire, response, signal, stream } = exchange;
  const { provider, model } = splitModelName(route.model);
  const { options, toolName } = adapterOptions(wire.read(exchange.body, route.dialect), route);
  const through = createMeshFetch(exchange.mesh);
  const writer = wire.createWriter({
    model: route.model,
    dialect: route.dialect,
    id: randomUUID().replaceAll('-', ''),
    created: Math.floor(Date.now() / 1000),
    inputTokens: countTokens(exchange.body),
    request: exchange.body,
  });

  let pieces: AsyncGenerator<Piece>;
  let first: IteratorResult<Piece>;
  try {
    const adapter = await loadAdapter({ dialect: route.dialect, provider, model, fetch: through.fetch });
    const answer = await adapter.doStream({ ...options, abortSignal: signal });
    pieces = answerPieces(answer.stream, toolName);
    first = await pieces.next();
  } catch (error) {
    signal.throwIfAborted();
    return failureOf(error);
  }

  if (stream) {
    response.writeHead(200, SSE_HEADERS);
    await writeEvents(response, writer.start(), signal);
  }
  try {
    for (let next = first; !next.done; next = await pieces.next()) {
      const events = writer.piece(next.value);
      if (stream) await writeEvents(response, events, signal);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!stream) return { ...failureOf(error), transient: true };
    await writeEvents(response, writer.failed(brokenRefusal(error)), signal);
  }
  if (stream) response.end();
  else sendJson(response, 200, writer.whole());
  return undefined;

  function failureOf(error: unknown): CallFailure {
    const http = through.failure();
    if (http === undefined) {
      const refusal = brokenRefusal(error);
      return { status: 502, body: wire.error(502, refusal), retryAfter: undefined, transient: true };
    }
    const refused = parseRefusal(http.body);
    const { refusal } = describeHttpFailure(route.model, http, Date.now);
    return {
      status: http.status,
      body: refused ? refusalBody(refused) : wire.error(http.status, refusal),
      retryAfter: http.retryAfter,
      transient: isTransient(http.status, refused),
    };
  }

  function brokenRefusal(error: unknown): Refusal {
    return describeBrokenStream(route.model, error instanceof BrokenAnswer ? error.cause : error);
  }
}
