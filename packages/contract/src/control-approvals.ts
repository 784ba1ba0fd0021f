import { z } from 'zod';

/**
 * What waits for a person, on the control API:
 *
 * | method and path                  | body           | answer       | who                                       |
 * |----------------------------------|----------------|--------------|-------------------------------------------|
 * | GET  /api/approvals?status=      |                | ApprovalList | viewer; newest first, at most 500         |
 * | GET  /api/approvals/{id}         |                | ApprovalView | viewer                                    |
 * | POST /api/approvals/{id}/answer  | AnswerApproval | ApprovalView | approver, and named in approvals.approvers |
 */
export const ApprovalKind = z.enum(['step', 'tool', 'egress']);
export type ApprovalKind = z.infer<typeof ApprovalKind>;

/** `withdrawn`: what asked is over, and an answer would change nothing. Only `pending` can still be answered. */
export const ApprovalStatus = z.enum(['pending', 'approved', 'denied', 'expired', 'withdrawn']);
export type ApprovalStatus = z.infer<typeof ApprovalStatus>;

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'SHA-256 in 64 lower-case hexadecimal digits');

export const ApprovalSummary = z.object({
  /** Made by the host; nothing that an agent writes is one. */
  id: z.string(),
  kind: ApprovalKind,
  /** An agent's name, or `workflow:` and a workflow's. */
  asker: z.string(),
  /** In the host's words: `exec`, `send of run wfr_…`, `api.example.com`. */
  what: z.string(),
  traceId: z.string(),
  status: ApprovalStatus,
  /** SHA-256 over the UTF-8 of the view's `subject`: what an approval binds to. */
  hash: Sha256,
  askedAt: z.string(),
  expiresAt: z.string(),
  answeredAt: z.string().nullable(),
  by: z.string().nullable(),
  note: z.string(),
  /** When what was approved was let through; an approval is good for one use. */
  usedAt: z.string().nullable(),
});
export type ApprovalSummary = z.infer<typeof ApprovalSummary>;
export const ApprovalList = z.object({ approvals: z.array(ApprovalSummary), approvers: z.array(z.string()) });
export type ApprovalList = z.infer<typeof ApprovalList>;

/** `subject`: canonical JSON (keys in order, no white space) of exactly what will run, whole. */
export const ApprovalView = ApprovalSummary.extend({ subject: z.string() });
export type ApprovalView = z.infer<typeof ApprovalView>;

/** `hash` is that of what the approver was shown. */
export const AnswerApproval = z.strictObject({
  approve: z.boolean(),
  hash: Sha256,
  note: z.string().max(1000).default(''),
});
export type AnswerApproval = z.infer<typeof AnswerApproval>;

/** On the trace of what asked. */
export const ApprovalEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('approval_asked'),
    id: z.string(),
    kind: ApprovalKind,
    what: z.string(),
    hash: z.string(),
    expiresAt: z.string(),
  }),
  z.object({
    type: z.literal('approval_answered'),
    id: z.string(),
    status: ApprovalStatus,
    by: z.string().nullable(),
  }),
]);
export type ApprovalEvent = z.infer<typeof ApprovalEvent>;
