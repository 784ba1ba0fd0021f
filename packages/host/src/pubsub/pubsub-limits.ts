import type { AuditLog } from '../audit/audit-log.ts';

/** What pub/sub takes and keeps. */
export const PUBSUB_LIMITS = {
  payloadBytes: 32 * 1024,
  /** Events that may follow one from the other, hand-offs included; what goes round in circles ends here. */
  hops: 8,
  subscriptionsOfOne: 100,
  subscriptionsOfTopic: 1000,
  /** Events of one publisher that somebody has still to take. */
  openOfPublisher: 5000,
  /** Events that wait for one subscription; what comes beyond is a dead letter at once. */
  backlog: 1000,
  /** Of one subscription. The oldest beyond are dropped, and that is recorded. */
  deadLetters: 1000,
  attempts: 5,
  /** Waits after failed attempts of the host's own deliveries: doubled each time. */
  retryMs: 15_000,
  /** How long the host waits for one of its own deliveries before it counts as failed. */
  pushLeaseMs: 60_000,
  /** How long the key of an event that all have taken is remembered. */
  keepEventsMs: 3_600_000,
  /** What nobody took for so long becomes a dead letter. */
  waitMs: 7 * 24 * 3_600_000,
  keepDeadLettersMs: 30 * 24 * 3_600_000,
  collectRows: 500,
} as const;

export type PubsubLimits = { readonly [Name in keyof typeof PUBSUB_LIMITS]: number };

/** What every step of pub/sub within a transaction needs. */
export interface PubsubContext {
  limits: PubsubLimits;
  now: number;
  audit: AuditLog;
}
