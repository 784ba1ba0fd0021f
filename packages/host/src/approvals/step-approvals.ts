import type { ApprovalRequest, StepApprovals } from '../workflow/step-dispatch.ts';
import type { Approvals } from './approvals.ts';

/** Steps of workflows ask through this. The engine keeps the time too; whichever is first withdraws the question. */
export function createStepApprovals(approvals: Approvals, warn: (message: string) => void): StepApprovals {
  return {
    async ask(request: ApprovalRequest) {
      const { key, run, workflow, step, traceId, subject, expiresAtMs } = request;
      const asked = await approvals.ask({
        ...{ kind: 'step', key, asker: `workflow:${workflow}`, what: `${step} of run ${run}` },
        ...{ subject, traceId, messageId: run, expiresAt: expiresAtMs },
      });
      if (!asked.ok) return { kind: 'denied', by: 'mesh', message: asked.refusal.message };
      const { status, by, hash, note } = await approvals.settled(asked.value.id);
      if (status === 'denied') return { kind: 'denied', by: by ?? '', message: note || 'no' };
      if (status !== 'approved') return { kind: 'expired' };
      // The engine takes the first answer to a step and no other; here it is only written down that it did.
      await approvals.use({
        ...{ asker: `workflow:${workflow}`, messageId: run, useKey: key },
        covers: ({ id }) => id === asked.value.id,
      });
      return { kind: 'approved', by: by ?? '', hash };
    },
    withdraw(key) {
      approvals.withdraw({ key }).catch((error) => warn(`approval ${key}: ${String(error)}`));
    },
  };
}
