import type { REFUSAL_STATUS, RefusalCode } from '@openlegion/contract/refusal';

/** The contract's table again, since the vault takes no code from it; the type and a test hold the two together. */
const STATUS: { readonly [Code in RefusalCode]: (typeof REFUSAL_STATUS)[Code] } = {
  bad_request: 400,
  unauthenticated: 401,
  budget_exceeded: 402,
  denied: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  rate_limited: 429,
  internal: 500,
  upstream_failed: 502,
  unavailable: 503,
  deadline_exceeded: 504,
  disk_full: 507,
};

/** The HTTP status that carries a refusal. */
export function refusalStatus(code: RefusalCode): number {
  return STATUS[code];
}

export function isRefusalCode(value: unknown): value is RefusalCode {
  return typeof value === 'string' && Object.hasOwn(STATUS, value);
}
