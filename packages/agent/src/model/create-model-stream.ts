/*
 * request → route (host) → adapter of its dialect → /llm/{provider}/… (pipe, host, gateway, provider)
 *              ↑                                        │
 *              └── again with what failed; the next model is given what was already said
 */
import type { AgentStart } from '@openlegion/contract/agent-api';
import type { Route } from '@openlegion/contract/mesh-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Refusal } from '@openlegion/contract/refusal';
import type { MeshClient } from '../pipe/pipe.ts';
import { attemptCall } from './attempt-call.ts';
import { type Beginning, continueRequest, joinAnswer, textOf } from './continue-answer.ts';
import type { BrokenOff, ModelStream } from './model-stream.ts';
import { requestRoute } from './request-route.ts';

const MAX_RETRIES = 3;
const FIRST_DELAY_MS = 1000;
/** Who is told to come back later than this is told so, not kept waiting. */
const MAX_RETRY_AFTER_MS = 60_000;
/** What a route request may name as failed. */
const MAX_FAILED = 20;
const REASON_CHARS = 500;

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

/**
 * Calls models through the pipe. After a failure that another model may not have, the host is asked again until it
 * names none that has not failed; the next model continues what was said. Half of a tool call is left out and asked
 * for anew; behind a whole one the answer ends, and the next call begins with another model. What was decided about
 * the agent (budget, grants) and what is wrong with the request moves to no other model.
 *
 * Where there is no other model, or it is the agent that is asked to slow down, and nothing was said: a 429 or 5xx is
 * tried again up to three times with growing waits (or as long as the other side asked, up to 60 s), a stream that
 * broke once at once.
 */
export function createModelStream(parts: ModelStreamParts): ModelStream {
  return async function* streamModel(request, signal) {
    const first = await firstRoute(parts, request.brokenOff, signal);
    if (!first.ok) {
      yield { type: 'failed', model: parts.agent.model, dialect: '', parts: [], refusal: first.refusal };
      return;
    }
    let { route } = first;
    const failed = first.instead ? [first.instead.model] : [];
    if (first.instead) {
      const { model: from, reason } = first.instead;
      yield { type: 'switched', from, to: route.model, reason, afterChars: 0 };
    }
    let begun: Beginning = { text: '', model: '', dialect: '' };
    let breaks = 0;
    let tries = 0;
    for (;;) {
      const { model, dialect, contextTokens, imageTokens } = route;
      yield { type: 'routed', model, contextTokens, ...(imageTokens === undefined ? {} : { imageTokens }) };
      const attempt = yield* attemptCall(parts, route, continueRequest(request, begun), signal);
      if (attempt.ok) {
        const { reason } = attempt;
        yield { type: 'finished', model, dialect, parts: joinAnswer(begun.text, attempt.parts), reason };
        return;
      }
      const { failure, anotherMay } = attempt;
      const reason = failure.refusal.message.slice(0, REASON_CHARS);
      if (attempt.parts.some((part) => part.type === 'call')) {
        const whole = joinAnswer(begun.text, attempt.parts);
        const brokenOff = { model, reason };
        yield { type: 'finished', model, dialect, parts: whole, reason: 'tool_calls', brokenOff };
        return;
      }
      begun = { text: begun.text + textOf(attempt.parts), model, dialect };
      if (!failed.includes(model)) failed.push(model);
      // Of a chain of one it is known after the first failure.
      const next = anotherMay && tries + breaks === 0 ? await otherRoute(parts, failed, signal) : undefined;
      if (next) {
        route = next;
        yield { type: 'switched', from: model, to: next.model, reason, afterChars: begun.text.length };
        continue;
      }
      const delayMs = failure.retryAfterMs ?? FIRST_DELAY_MS * 2 ** tries * (0.5 + parts.random());
      const again = begun.text === '' && (failed.length === 1 || !anotherMay);
      if (again && attempt.silentBreak && breaks === 0) {
        breaks++;
      } else if (again && failure.retry && tries < MAX_RETRIES && delayMs <= MAX_RETRY_AFTER_MS) {
        tries++;
        await parts.wait(delayMs, signal);
      } else {
        const said = joinAnswer(begun.text, []);
        yield { type: 'failed', model, dialect, parts: said, refusal: failure.refusal };
        return;
      }
    }
  };
}

/** Of the whole chain; without the model that broke off in the answer before, where there is another. */
async function firstRoute(
  parts: ModelStreamParts,
  brokenOff: BrokenOff | undefined,
  signal: AbortSignal,
): Promise<{ ok: true; route: Route; instead?: BrokenOff } | { ok: false; refusal: Refusal }> {
  const other = brokenOff && (await otherRoute(parts, [brokenOff.model], signal));
  return other ? { ok: true, route: other, instead: brokenOff } : await askRoute(parts, [], signal);
}

/** Undefined at the end of the chain: the failure itself says more than that there is no other model. */
async function otherRoute(
  parts: ModelStreamParts,
  failed: readonly string[],
  signal: AbortSignal,
): Promise<Route | undefined> {
  if (failed.length > MAX_FAILED) return undefined;
  const next = await askRoute(parts, failed, signal);
  return next.ok && !failed.includes(next.route.model) ? next.route : undefined;
}

async function askRoute(parts: ModelStreamParts, failed: readonly string[], signal: AbortSignal) {
  try {
    const request = { model: parts.agent.model, failed: [...failed] };
    return { ok: true as const, route: await requestRoute(parts.mesh, request, signal) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof OpenLegionError) return { ok: false as const, refusal: error.refusal };
    throw error;
  }
}
