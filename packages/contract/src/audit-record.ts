import { z } from 'zod';

/**
 * One link of a hash chain. `hash` is SHA-256, in lower-case hex, over `auditRecordText` of the record;
 * `previousHash` of the first is 64 zeros.
 */
export const AuditRecord = z.strictObject({
  seq: z.int().positive(),
  at: z.iso.datetime(),
  /** `agent.started`, `message.accepted`, `permission.denied`, `credential.used` …; `docs/audit.md` lists them. */
  type: z.string().max(100),
  /** Who caused it: `operator`, `user`, `host`, `keeper`, or an agent's name. */
  actor: z.string().max(100),
  /** What it happened to. */
  subject: z.string().max(300),
  decision: z.enum(['allowed', 'denied', 'none']),
  rule: z.string().max(200),
  traceId: z.string().max(100),
  /** Canonical JSON of further facts; never a secret, never message text. */
  detail: z.string().max(8192),
  previousHash: z.string().length(64),
  hash: z.string().length(64),
});
export type AuditRecord = z.infer<typeof AuditRecord>;

/** The bytes that are hashed: the JSON array of every field but `hash`, in this order. */
export function auditRecordText(record: Omit<AuditRecord, 'hash'>): string {
  const { seq, at, type, actor, subject, decision, rule, traceId, detail, previousHash } = record;
  return JSON.stringify([seq, at, type, actor, subject, decision, rule, traceId, detail, previousHash]);
}

/** Signed by the keeper (Ed25519 over `checkpointText`), which also remembers it: truncation shows. */
export const AuditCheckpoint = z.strictObject({
  chain: z.enum(['host', 'keeper']),
  seq: z.int().nonnegative(),
  hash: z.string().length(64),
  at: z.iso.datetime(),
  /** Base64. */
  signature: z.string().max(200),
});
export type AuditCheckpoint = z.infer<typeof AuditCheckpoint>;

export function checkpointText(checkpoint: Omit<AuditCheckpoint, 'signature'>): string {
  const { chain, seq, hash, at } = checkpoint;
  return JSON.stringify(['openlegion-audit-checkpoint-v1', chain, seq, hash, at]);
}
