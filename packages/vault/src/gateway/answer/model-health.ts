import type { ModelHealth } from '@openlegion/contract/gateway-protocol';

/**
 * What the gateway saw of each model, by the name under which it called it. Nothing an agent says goes in. It is
 * memory of this process alone: after a restart nothing is known, which counts as healthy.
 */
export interface ModelHealthRecord {
  /**
   * `status` is the provider's; 0 where there was no answer. `retryAfterMs` is the provider's own wish; `unpaid` that
   * it said the account is not, whatever the status.
   */
  note(model: string, status: number, retryAfterMs: number | null, unpaid?: boolean): void;
  all(): ModelHealth[];
}

const TRANSIENT_MS = [60_000, 300_000, 1_500_000] as const;
const REFUSED_MS = 3_600_000;
/** A key that worked so lately is not refused for what it is: a 403 is then about the one request (moderation). */
const KEY_PROVEN_MS = 600_000;
const MAX_MODELS = 5000;

interface Seen {
  health: ModelHealth;
  failures: number;
  coolingUntilMs: number;
  succeededAtMs: number;
}

/**
 * Cooling: 60, 300, then 1,500 s on errors that may pass; an hour where the key or the account is refused; what the
 * provider asks for on a rate limit, 1 s to an hour. 400 and 404 are the caller's own and say nothing of the model. A
 * failure while a model cools down is of the same trouble: calls that were under way together count as one, and
 * none shortens what stands.
 */
export function createModelHealth(now: () => number): ModelHealthRecord {
  const seen = new Map<string, Seen>();

  return {
    note(model, status, retryAfter, unpaid = false) {
      const before = seen.get(model);
      if (!before && seen.size >= MAX_MODELS) return;
      const { failures: failed, coolingUntilMs: until, succeededAtMs } = before ?? NEVER;
      const at = now();
      if (status >= 200 && status < 300) {
        const lastErrorAt = before?.health.lastErrorAt ?? null;
        const health = { model, ok: true, lastStatus: status, lastErrorAt, coolingUntil: null };
        seen.set(model, { ...NEVER, health, succeededAtMs: at });
        return;
      }
      const proven = status === 403 && at - succeededAtMs < KEY_PROVEN_MS;
      const refused = unpaid || status === 401 || status === 402 || (status === 403 && !proven);
      if (!refused && !isTransient(status)) return;
      const failures = refused || until > at ? failed : failed + 1;
      const coolingMs = refused ? REFUSED_MS : coolingFor(status, failures, retryAfter);
      const coolingUntilMs = Math.max(until, at + coolingMs);
      const lastErrorAt = new Date(at).toISOString();
      const coolingUntil = new Date(coolingUntilMs).toISOString();
      const health = { model, ok: false, lastStatus: status, lastErrorAt, coolingUntil };
      seen.set(model, { health, failures, coolingUntilMs, succeededAtMs });
    },
    all: () => [...seen.values()].map(({ health }) => health),
  };
}

const NEVER = { failures: 0, coolingUntilMs: 0, succeededAtMs: Number.NEGATIVE_INFINITY };

function isTransient(status: number): boolean {
  return status === 0 || status === 408 || status === 429 || status >= 500 || (status >= 300 && status < 400);
}

function coolingFor(status: number, failures: number, retryAfter: number | null): number {
  if (status === 429 && retryAfter !== null) return Math.min(Math.max(retryAfter, 1000), REFUSED_MS);
  return TRANSIENT_MS[Math.min(failures, TRANSIENT_MS.length) - 1] ?? TRANSIENT_MS[0];
}

/** `Retry-After` in either of its forms (RFC 9110, 10.2.3), in milliseconds from `now`; null for anything else. */
export function retryAfterMs(value: string | undefined, now: number): number | null {
  if (value === undefined || value.length > 64) return null;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const at = /^[A-Z][a-z]{2}, /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
