import { AnswerApproval, ApprovalStatus } from '@openlegion/contract/control-approvals';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { ControlRoute } from '../control/control-routes.ts';
import { parseJsonBody } from '../mesh/read-json-body.ts';
import { approvalView } from './approval-row.ts';
import type { Approvals } from './approvals.ts';
import { approvalRefusals } from './refusals.ts';

const MOST_LISTED = 500;

/** What waits for a person, what became of it, and the answer. See control-approvals.ts. */
export function approvalRoutes(parts: {
  approvals: Approvals;
  approvers: () => readonly string[];
}): ControlRoute[] {
  const { approvals, approvers } = parts;
  return [
    {
      ...{ method: 'GET', path: '/api/approvals', zone: 2.5, permission: 'viewer' },
      async run(request) {
        const status = ApprovalStatus.safeParse(request.query('status'));
        const listed = approvals.list(status.success ? status.data : null, MOST_LISTED);
        return Response.json({
          approvals: listed.map((approval) => {
            const { subject: _, ...summary } = approvalView(approval);
            return summary;
          }),
          approvers: [...approvers()],
        });
      },
    },
    {
      ...{ method: 'GET', path: '/api/approvals/{id}', zone: 2.5, permission: 'viewer' },
      async run(request) {
        const found = approvals.find(request.parameter('id'));
        if (!found) throw new OpenLegionError(approvalRefusals.unknown());
        return Response.json(approvalView(found));
      },
    },
    {
      ...{ method: 'POST', path: '/api/approvals/{id}/answer', zone: 2.5, permission: 'approver' },
      async run(request) {
        const answer = parseJsonBody(await request.body(), AnswerApproval);
        const answered = await approvals.answer(request.parameter('id'), answer, request.caller);
        if (!answered.ok) throw new OpenLegionError(answered.refusal);
        return Response.json(approvalView(answered.value));
      },
    },
  ];
}
