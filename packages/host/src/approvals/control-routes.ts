import { AnswerApproval, ApprovalStatus } from '@openlegion/contract/control-approvals';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import type { ControlRoute } from '../control/control-routes.ts';
import { get, granted, NoQuery, post } from '../control/route.ts';
import { approvalView } from './approval-row.ts';
import type { Approvals } from './approvals.ts';
import { approvalRefusals } from './refusals.ts';

const MOST_LISTED = 500;
const ListQuery = z.strictObject({ status: ApprovalStatus.nullable().catch(null) });

/** What waits for a person, what became of it, and the answer. See control-approvals.ts. */
export function approvalRoutes(parts: {
  approvals: Approvals;
  approvers: () => readonly string[];
}): ControlRoute[] {
  const { approvals, approvers } = parts;
  return [
    get('/api/approvals', ListQuery, ({ status }) => ({
      approvals: approvals.list(status, MOST_LISTED).map((approval) => {
        const { subject: _, ...summary } = approvalView(approval);
        return summary;
      }),
      approvers: [...approvers()],
    })),
    get('/api/approvals/{id}', NoQuery, (_, { parameter }) => {
      const found = approvals.find(parameter('id'));
      if (!found) throw new OpenLegionError(approvalRefusals.unknown());
      return approvalView(found);
    }),
    post('/api/approvals/{id}/answer', 'approver', AnswerApproval, async (answer, { parameter, caller }) =>
      approvalView(granted(await approvals.answer(parameter('id'), answer, caller))),
    ),
  ];
}
