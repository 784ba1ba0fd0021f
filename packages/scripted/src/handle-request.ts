import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { conversationOf } from './conversation.ts';
import { decideAnswer } from './decide-answer.ts';
import type { PathRequest, WireDialect } from './dialects/wire-dialect.ts';
import { embeddingsAnswer } from './embeddings.ts';
import { fillPlaceholders } from './fill-placeholders.ts';
import { modelList } from './model-list.ts';
import { readBody } from './read-body.ts';
import { routeOf } from './route.ts';
import type { ScriptStore } from './script-store.ts';
import { sendJson, sendStream, sendWhole } from './send-answer.ts';
import { MOST_FILLED_CHARACTERS, wireAnswerOf } from './wire-answer.ts';

/*
 * request → route (which dialect) → body → parse (one neutral form) → script of that name, as it is on disk now
 *   → first matching rule → fill in → write in the dialect: whole, streamed, as an error, or broken off
 */
interface Handling {
  request: IncomingMessage;
  response: ServerResponse;
  scripts: ScriptStore;
  now: () => number;
  signal: AbortSignal;
}

/** Answers one request; everything that is wrong with it is answered in the dialect it came in. */
export async function handleRequest(handling: Handling): Promise<void> {
  const { request, response, scripts, now } = handling;
  const { method = '', url = '' } = request;
  const route = routeOf(method, url, { anthropic: 'anthropic-version' in request.headers });
  const refuse = (status: number, message: string): void =>
    sendJson(response, status, route.dialect.failure(status, message));
  try {
    if (route.to === 'nowhere') {
      refuse(404, `The scripted model does not know ${method} ${url.slice(0, 200)}.`);
      return;
    }
    if (route.to === 'models') {
      sendJson(response, 200, modelList(route.dialect, await scripts.names(), now()));
      return;
    }
    const read = await readBody(request);
    if (!read.ok) {
      response.shouldKeepAlive = false;
      refuse(read.status, read.message);
      return;
    }
    if (route.to === 'answer') {
      await answer(handling, route.dialect, route.path, read.body);
      return;
    }
    const embeddings = embeddingsAnswer(read.body);
    if (embeddings === null)
      refuse(400, 'Invalid request: model and input, a text or a list of texts, are needed.');
    else sendJson(response, 200, embeddings);
  } catch (error) {
    if (handling.signal.aborted) return; // The caller has gone; there is no one to tell.
    if (response.headersSent) response.destroy();
    else refuse(500, `The scripted model failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function answer(
  { response, scripts, now, signal }: Handling,
  dialect: WireDialect,
  path: PathRequest | null,
  body: unknown,
): Promise<void> {
  const refuse = (status: number, message: string, headers: Record<string, string> = {}): void =>
    sendJson(response, status, dialect.failure(status, message), headers);
  const parsed = dialect.parse(body, path);
  if (!parsed.ok) {
    refuse(400, parsed.message);
    return;
  }
  const request = parsed.request;
  const found = await scripts.get(request.model);
  if (found.found !== 'script') {
    refuse(found.found === 'none' ? 404 : 400, found.message);
    return;
  }
  const conversation = conversationOf(request.messages);
  const decided = decideAnswer(found.script, conversation);
  const { delay_ms: delayMs, error } = decided.answer;
  if (delayMs) await wait(delayMs, undefined, { signal });
  if (error) {
    const retry = error.retry_after_s;
    const message = fillPlaceholders(error.message, decided.values).slice(0, MOST_FILLED_CHARACTERS);
    refuse(error.status, message, retry === undefined ? {} : { 'retry-after': String(retry) });
    return;
  }
  const wire = wireAnswerOf({ decided, request, conversation, nowMs: now() });
  if (!wire) {
    refuse(400, `${decided.rule} puts over ${MOST_FILLED_CHARACTERS} characters into its placeholders.`);
    return;
  }
  const sending = { response, dialect, request, answer: decided.answer, wire, signal };
  if (request.stream) await sendStream(sending);
  else sendWhole(sending);
}
