import { type ControlCaller, Role } from '@openlegion/contract/control-caller';
import type { Refusal } from '@openlegion/contract/refusal';
import type { Approval } from './approval-row.ts';
import { approvalRefusals } from './refusals.ts';

/** Why this answer is not taken; null when it is. Who may not answer does not learn what waits. */
export function answerProblem(
  approval: Approval | null,
  answer: {
    approve: boolean;
    hash: string;
    caller: ControlCaller;
    approvers: readonly string[];
    now: number;
  },
): Refusal | null {
  const { approve, hash, caller, approvers, now } = answer;
  const ranks = Role.options;
  const high = ranks.indexOf(caller.role) >= ranks.indexOf('approver');
  if (!high || !approvers.includes(caller.name)) return approvalRefusals.notApprover(caller.name);
  if (!approval) return approvalRefusals.unknown();
  if (approval.status !== 'pending') return approvalRefusals.notPending(approval.status);
  // Who answered it said yes: that is being carried out, and whoever says yes as well waits for it.
  if (approval.by !== null && !approve) return approvalRefusals.carriedOut(approval.by);
  if (approval.by === null && approval.expiresAt <= now) return approvalRefusals.notPending('expired');
  return approval.hash === hash ? null : approvalRefusals.otherHash();
}
