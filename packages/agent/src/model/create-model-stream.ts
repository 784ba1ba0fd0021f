/*
 * request → route (host) → adapter of its dialect → /llm/{provider}/… (pipe, host, gateway, provider)
 *              ↑                                        │
 *              └── again, later: 429, 5xx; at once: broken before its first token ──┘
 */
import type { AgentStart } from '@openlegion/contract/agent-api';
import type { Route } from '@openlegion/contract/mesh-api';
import { splitModelName } from '@openlegion/contract/model-name';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { AssistantPart } from '../history/entry.ts';
import type { MeshClient } from '../pipe/pipe.ts';
import { loadAdapter } from './adapter.ts';
import { callOptions } from './call-options.ts';
import { describeBrokenStream, describeHttpFailure, type ModelFailure } from './describe-failure.ts';
import { createMeshFetch } from './mesh-fetch.ts';
import type { ModelEvent, ModelRequest, ModelStream } from './model-stream.ts';
import { readAdapterStream } from './read-adapter-stream.ts';
import { requestRoute } from './request-route.ts';

const MAX_RETRIES = 3;
const FIRST_DELAY_MS = 1000;
/** Who is told to come back later than this is told so, not kept waiting. */
const MAX_RETRY_AFTER_MS = 60_000;

export interface ModelStreamParts {
  agent: AgentStart;
  mesh: MeshClient;
  /** Rejects with the signal's reason. */
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Between 0 and 1. */
  random: () => number;
  /** Milliseconds since the epoch. */
  now: () => number;
}

type Attempt =
  | { ok: true; event: Extract<ModelEvent, { type: 'finished' }> }
  | { ok: false; failure: ModelFailure; parts: AssistantPart[]; silentBreak: boolean };

/**
 * Calls models through the pipe. Before anything was said, a 429 or 5xx is tried again up to three times with
 * growing waits (or as long as the other side asked, up to 60 s), and a stream that broke once at once. After
 * that, or once something was said, the failure is told with what was said.
 */
export function createModelStream(parts: ModelStreamParts): ModelStream {
  return async function* streamModel(request, signal) {
    let breaks = 0;
    for (let tries = 0; ; ) {
      const routed = await route(parts, signal);
      if (!routed.ok) {
        yield { type: 'failed', model: parts.agent.model, dialect: '', parts: [], refusal: routed.refusal };
        return;
      }
      const { model, dialect } = routed.route;
      yield { type: 'routed', model };
      const attempt = yield* tryOnce(parts, routed.route, request, signal);
      if (attempt.ok) {
        yield attempt.event;
        return;
      }
      const { failure } = attempt;
      const delayMs = failure.retryAfterMs ?? FIRST_DELAY_MS * 2 ** tries * (0.5 + parts.random());
      if (attempt.silentBreak && breaks === 0) {
        breaks++;
      } else if (failure.retry && tries < MAX_RETRIES && delayMs <= MAX_RETRY_AFTER_MS) {
        tries++;
        await parts.wait(delayMs, signal);
      } else {
        // Failover goes here: ask for a route again with this model among the failed, and let the next one continue
        // from `attempt.parts`.
        yield { type: 'failed', model, dialect, parts: attempt.parts, refusal: failure.refusal };
        return;
      }
    }
  };
}

async function route(parts: ModelStreamParts, signal: AbortSignal) {
  try {
    return {
      ok: true as const,
      route: await requestRoute(parts.mesh, { model: parts.agent.model, failed: [] }, signal),
    };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof OpenLegionError) return { ok: false as const, refusal: error.refusal };
    throw error;
  }
}

async function* tryOnce(
  parts: ModelStreamParts,
  route: Route,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, Attempt> {
  const { provider, model } = splitModelName(route.model);
  const through = createMeshFetch(parts.mesh);
  const adapter = await loadAdapter({ dialect: route.dialect, provider, model, fetch: through.fetch });
  let stream: Awaited<ReturnType<typeof adapter.doStream>>['stream'];
  try {
    ({ stream } = await adapter.doStream(callOptions(parts.agent, route, request, signal)));
  } catch (error) {
    signal.throwIfAborted();
    const http = through.failure();
    if (http !== undefined) {
      const failure = describeHttpFailure(route.model, http, parts.now);
      return { ok: false, failure, parts: [], silentBreak: false };
    }
    return { ok: false, failure: broken(route, error), parts: [], silentBreak: true };
  }
  const end = yield* readAdapterStream(stream, signal);
  if (end.end === 'finished') {
    const { reason } = end;
    return {
      ok: true,
      event: { type: 'finished', model: route.model, dialect: route.dialect, parts: end.parts, reason },
    };
  }
  return { ok: false, failure: broken(route, end.error), parts: end.parts, silentBreak: end.silent };
}

function broken(route: Route, error: unknown): ModelFailure {
  return { refusal: describeBrokenStream(route.model, error), retry: false };
}
