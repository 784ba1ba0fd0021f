import type { ApprovalGiven } from '@openlegion/contract/mesh-api';
import type { Routed } from '../router/router.ts';
import type { Approval } from './approval-row.ts';
import { approvalRefusals } from './refusals.ts';

/** What an agent that asked is told, once its question is no longer pending. */
export function answerOf({ id, status, by, hash, note }: Approval): Routed<ApprovalGiven> {
  if (status === 'approved') return { ok: true, value: { id, by: by ?? '', hash } };
  if (status === 'denied') return { ok: false, refusal: approvalRefusals.denied(by ?? '', note) };
  const refusal = status === 'expired' ? approvalRefusals.expired() : approvalRefusals.withdrawn();
  return { ok: false, refusal };
}
