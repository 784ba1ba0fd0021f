import type { IncomingMessage, ServerResponse } from 'node:http';
import { ModelName } from '@openlegion/contract/model-name';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import { answerCall } from './answer-call.ts';
import { answerEmbeddings } from './answer-embeddings.ts';
import { answerModels } from './answer-models.ts';
import { badRequest } from './bad-request.ts';
import { countTokens } from './count-tokens.ts';
import type { ModelEndpointParts } from './create-model-endpoint.ts';
import { forwardService } from './forward-service.ts';
import { readRequestBody } from './read-request-body.ts';
import { sendJson, sendRefusal } from './send-refusal.ts';
import { WIRES } from './wire.ts';

const JsonObject = z.record(z.string(), z.unknown());

/** Answers every request, a refusal included; throws only what nobody expected. */
export async function answerRequest(
  parts: ModelEndpointParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const left = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) left.abort(new Error('the client has left'));
  });
  try {
    await dispatch(parts, request, response, left.signal);
  } catch (error) {
    if (left.signal.aborted) return;
    if (!(error instanceof OpenLegionError)) throw error;
    sendRefusal(response, error.refusal);
  }
}

async function dispatch(
  { mesh, model: ownModel }: ModelEndpointParts,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const url = request.url ?? '';
  if (url.startsWith('/services/')) return forwardService(mesh, request, response, signal);
  const [path = ''] = url.split('?');
  if (request.method === 'GET' && (path === '/v1/models' || path.startsWith('/v1/models/')))
    return answerModels(mesh, path, response, signal);
  if (request.method !== 'POST') throw noRoute();
  const wire = WIRES.get(path);
  if (wire) {
    const body = await readJsonObject(request);
    const exchange = { wire, body, stream: body.stream === true, mesh, response, signal };
    return answerCall(exchange, chosenModel(body.model, ownModel()));
  }
  if (path === '/v1/messages/count_tokens')
    return sendJson(response, 200, { input_tokens: countTokens(await readJsonObject(request)) });
  if (path === '/v1/embeddings')
    return answerEmbeddings(mesh, await readJsonObject(request), response, signal);
  throw noRoute();
}

/** `provider/model` as it is; anything else, which a program may have built in, is the agent's own model. */
function chosenModel(asked: unknown, own: string): string {
  const named = ModelName.safeParse(asked);
  return named.success ? named.data : own;
}

async function readJsonObject(request: IncomingMessage): Promise<Record<string, unknown>> {
  const text = (await readRequestBody(request)).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = JsonObject.safeParse(value);
  if (!parsed.success) throw badRequest('body', 'The body is not a JSON object.', 'Send one JSON object.');
  return parsed.data;
}

function noRoute(): OpenLegionError {
  return new OpenLegionError({
    code: 'not_found',
    rule: 'endpoint.route',
    message: 'The model endpoint has no such method and path.',
    remedy:
      'It has POST /v1/chat/completions, /v1/responses, /v1/embeddings, /v1/messages and /v1/messages/count_tokens, GET /v1/models, and /services/{name}/….',
  });
}
