import type { ModelHealth } from '@openlegion/contract/gateway-protocol';

/**
 * What the gateway saw of each model, by its canonical name. Routing and failover (the next step of this file's
 * neighbours) read it; nothing an agent says goes in.
 */
export interface ModelHealthRecord {
  /** `status` is the provider's; 0 where there was no answer. `retryAfterMs` is the provider's own wish. */
  note(model: string, status: number, retryAfterMs: number | null): void;
  all(): ModelHealth[];
}

const TRANSIENT_MS = [60_000, 300_000, 1_500_000] as const;
const REFUSED_MS = 3_600_000;
const MAX_MODELS = 5000;

/**
 * Cooling: 60, 300, then 1,500 s on errors that may pass; an hour where the key or the account is refused; what the
 * provider asks for on a rate limit. 400 and 404 are the caller's own and say nothing of the model.
 */
export function createModelHealth(now: () => number): ModelHealthRecord {
  const seen = new Map<string, ModelHealth & { failures: number }>();

  return {
    note(model, status, retryAfterMs) {
      const before = seen.get(model);
      const failures = isTransient(status) ? (before?.failures ?? 0) + 1 : 0;
      const coolingMs = coolingFor(status, failures, retryAfterMs);
      const own = status >= 400 && coolingMs === 0;
      if (before && own) return;
      if (!before && seen.size >= MAX_MODELS) return;
      const failed = coolingMs > 0;
      seen.set(model, {
        model,
        ok: !failed,
        lastStatus: status,
        lastErrorAt: failed ? new Date(now()).toISOString() : (before?.lastErrorAt ?? null),
        coolingUntil: failed ? new Date(now() + coolingMs).toISOString() : null,
        failures,
      });
    },
    all: () => [...seen.values()].map(({ failures: _failures, ...health }) => health),
  };
}

function isTransient(status: number): boolean {
  return status === 0 || status === 408 || status === 429 || status >= 500 || (status >= 300 && status < 400);
}

function coolingFor(status: number, failures: number, retryAfterMs: number | null): number {
  if (status === 401 || status === 402 || status === 403) return REFUSED_MS;
  if (!isTransient(status)) return 0;
  if (status === 429 && retryAfterMs !== null) return Math.min(Math.max(retryAfterMs, 1000), REFUSED_MS);
  return TRANSIENT_MS[Math.min(failures, TRANSIENT_MS.length) - 1] ?? TRANSIENT_MS[0];
}

/** `Retry-After` in either of its forms (RFC 9110, 10.2.3), in milliseconds from `now`; null for anything else. */
export function retryAfterMs(value: string | undefined, now: number): number | null {
  if (value === undefined || value.length > 64) return null;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const at = /^[A-Z][a-z]{2}, /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
