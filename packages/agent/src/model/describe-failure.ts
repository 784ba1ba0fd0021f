import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Refusal } from '@openlegion/contract/refusal';
import { z } from 'zod';
import { parseRefusal } from '../mesh/read-answer.ts';
import { sanitise } from '../prompt/sanitise.ts';
import type { HttpFailure } from './mesh-fetch.ts';

/** `retry`: the same call may go well a little later. */
export interface ModelFailure {
  refusal: Refusal;
  retry: boolean;
  /** What the other side asked for. */
  retryAfterMs?: number;
}

const TRANSIENT: readonly string[] = ['rate_limited', 'unavailable', 'upstream_failed', 'deadline_exceeded'];

/**
 * Whether another model may do better: the trouble of a provider, its refusal of our key included, but nothing that
 * was decided about the agent or is wrong with the request.
 */
export function isTransient(status: number, refusal: Refusal | undefined): boolean {
  if (refusal !== undefined) return TRANSIENT.includes(refusal.code);
  return status >= 500 || [401, 402, 403, 408, 429].includes(status);
}

/** A call that was answered with an error: a refusal of ours as it is, a provider's error in words. */
export function describeHttpFailure(model: string, failure: HttpFailure, now: () => number): ModelFailure {
  const retryAfterMs = parseRetryAfter(failure.retryAfter, now);
  const after = retryAfterMs === undefined ? {} : { retryAfterMs };
  const refusal = parseRefusal(failure.body);
  if (refusal !== undefined) return { refusal, retry: TRANSIENT.includes(refusal.code), ...after };
  const said = providerMessage(failure.body);
  const { status } = failure;
  const message = `${model} answered ${status}${said === '' ? '' : `: ${said}`}`;
  const limited = status === 429;
  return {
    refusal: {
      code: limited ? 'rate_limited' : 'upstream_failed',
      rule: 'llm.provider',
      message,
      remedy: remedyFor(status),
    },
    retry: limited || status >= 500 || status === 408,
    ...after,
  };
}

/** A call whose answer broke off, or that never left the container. */
export function describeBrokenStream(model: string, thrown: unknown): Refusal {
  const error = causeOf(thrown);
  if (error instanceof OpenLegionError) return error.refusal;
  const said =
    error instanceof Error
      ? providerError(Reflect.get(error, 'value')) || error.message
      : typeof error === 'string'
        ? error
        : providerError(error);
  const detail = sanitise(said.slice(0, 300));
  return {
    code: 'upstream_failed',
    rule: 'llm.stream',
    message: `The answer of ${model} broke off${detail === '' ? '' : `: ${detail}`}`,
    remedy: 'Send the message again; what was said until then is kept.',
  };
}

/** What an adapter wraps says more than its wrapper. */
function causeOf(error: unknown): unknown {
  let innermost = error;
  for (let depth = 0; depth < 5 && innermost instanceof Error && innermost.cause instanceof Error; depth += 1)
    innermost = innermost.cause;
  return innermost;
}

function remedyFor(status: number): string {
  if (status === 401 || status === 403)
    return 'Check the provider’s key: ./openlegion vault list, then vault add.';
  if (status === 429) return 'Wait, or raise the limit of your account with the provider.';
  if (status === 404) return 'Check the model’s name in agents.yaml; the provider does not know it.';
  if (status >= 500) return 'The provider is down or overloaded: try again later, or choose another model.';
  return 'The provider does not accept this request; another model may.';
}

const ProviderError = z.object({
  error: z.union([z.string(), z.object({ message: z.string() })]).optional(),
  message: z.string().optional(),
});

function providerMessage(body: string): string {
  try {
    return sanitise(providerError(JSON.parse(body)).slice(0, 300));
  } catch {
    return sanitise(body.slice(0, 200)).trim();
  }
}

function providerError(value: unknown): string {
  const parsed = ProviderError.safeParse(value);
  if (!parsed.success) return '';
  const { error, message } = parsed.data;
  return typeof error === 'string' ? error : (error?.message ?? message ?? '');
}

/** RFC 9110, 10.2.3: seconds, or a date. */
function parseRetryAfter(value: string | undefined, now: () => number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now());
}
