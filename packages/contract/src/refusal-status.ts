/**
 * Every way in which a part of OpenLegion says no, and the HTTP status that carries it. The list is closed.
 * Apart from the schemas, for what must not load them (an agent before its first message).
 */
export const REFUSAL_STATUS = {
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
} as const;

export type RefusalCode = keyof typeof REFUSAL_STATUS;
