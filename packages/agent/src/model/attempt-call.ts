import type { Route } from '@openlegion/contract/mesh-api';
import { splitModelName } from '@openlegion/contract/model-name';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { AssistantPart } from '../history/entry.ts';
import { parseRefusal } from '../mesh/read-answer.ts';
import { loadAdapter } from './adapter.ts';
import { callOptions } from './call-options.ts';
import type { ModelStreamParts } from './create-model-stream.ts';
import {
  describeBrokenStream,
  describeHttpFailure,
  isTransient,
  type ModelFailure,
} from './describe-failure.ts';
import { createMeshFetch } from './mesh-fetch.ts';
import type { ModelRequest } from './model-stream.ts';
import { type FinishReason, readAdapterStream } from './read-adapter-stream.ts';

/**
 * `parts` of a failed one: its text until then, and calls that are whole. `anotherMay`: the trouble is the model's or
 * its provider's, and another may have none. `silentBreak`: it broke off before it said anything.
 */
export type Attempt =
  | { ok: true; parts: AssistantPart[]; reason: FinishReason }
  | { ok: false; parts: AssistantPart[]; failure: ModelFailure; anotherMay: boolean; silentBreak: boolean };

/** One call of one model, its deltas passed on. A failure is a value; only the signal's reason is thrown. */
export async function* attemptCall(
  { agent, mesh, now }: ModelStreamParts,
  route: Route,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<{ type: 'text' | 'reasoning'; text: string }, Attempt> {
  const { provider, model } = splitModelName(route.model);
  const through = createMeshFetch(mesh);
  const adapter = await loadAdapter({ dialect: route.dialect, provider, model, fetch: through.fetch });
  let stream: Awaited<ReturnType<typeof adapter.doStream>>['stream'];
  try {
    ({ stream } = await adapter.doStream(callOptions(agent, route, request, signal)));
  } catch (error) {
    signal.throwIfAborted();
    const http = through.failure();
    if (http === undefined) return broken(route, error, [], true);
    const refused = parseRefusal(http.body);
    // A limit per minute that is ours is the agent's, whatever model it calls.
    const anotherMay = isTransient(http.status, refused) && refused?.code !== 'rate_limited';
    const failure = describeHttpFailure(route.model, http, now);
    return { ok: false, failure, parts: [], anotherMay, silentBreak: false };
  }
  const end = yield* readAdapterStream(stream, signal);
  if (end.end === 'finished') return { ok: true, parts: end.parts, reason: end.reason };
  return broken(route, end.error, end.parts, end.silent);
}

function broken(route: Route, error: unknown, parts: AssistantPart[], silentBreak: boolean): Attempt {
  const refusal = describeBrokenStream(route.model, error);
  const anotherMay = isTransient(502, error instanceof OpenLegionError ? refusal : undefined);
  return { ok: false, failure: { refusal, retry: false }, parts, anotherMay, silentBreak };
}
