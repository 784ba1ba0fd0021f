import type { FleetEvent } from '@openlegion/contract/control-api';
import type { RunRecord, WorkflowEvent } from '@openlegion/contract/workflow-run';
import type { AuditLog } from '../audit/audit-log.ts';
import type { EventLog } from '../delivery/event-log.ts';
import type { Transaction } from '../store/database.ts';

/** Puts what becomes of runs on their traces, and the decisions into the audit log, with the state that they tell of. */
export interface RunRecorder {
  onStored(transaction: Transaction, record: RunRecord, events: readonly WorkflowEvent[]): void;
  announce(event: WorkflowEvent): void;
}

/** `workflow.task_started` and approvals have records of their own, from tasks and approvals. */
const AUDITED = new Map<WorkflowEvent['type'], string>([
  ['workflow_started', 'workflow.started'],
  ['workflow_step_settled', 'workflow.step_settled'],
  ['workflow_settled', 'workflow.settled'],
]);

export function createRunRecorder(parts: {
  audit: AuditLog;
  events: EventLog;
  /** In the transaction in which a run is over, after its last event; returns what to do after the commit. */
  onOver: (transaction: Transaction, record: RunRecord) => () => void;
}): RunRecorder {
  const { audit, events } = parts;
  const stored = new WeakMap<WorkflowEvent, FleetEvent>();
  const after = new WeakMap<WorkflowEvent, () => void>();
  return {
    onStored(transaction, record, told) {
      for (const event of told) {
        const type = AUDITED.get(event.type);
        if (type !== undefined)
          audit.append(transaction, {
            type,
            actor: event.type === 'workflow_started' ? record.startedBy : 'host',
            subject: record.workflow,
            decision: event.type === 'workflow_started' ? 'allowed' : 'none',
            rule: event.type === 'workflow_started' ? `workflow.${record.how}` : '',
            traceId: record.traceId,
            detail: detailOf(record, event),
          });
        const about = { agent: '', messageId: record.id, traceId: record.traceId };
        stored.set(event, events.store(transaction, { ...about, event }));
        if (event.type === 'workflow_settled') after.set(event, parts.onOver(transaction, record));
      }
    },
    announce(event) {
      const told = stored.get(event);
      if (told) events.announce(told);
      after.get(event)?.();
    },
  };
}

function detailOf(record: RunRecord, event: WorkflowEvent): Record<string, string | null> {
  if (event.type === 'workflow_step_settled')
    return { run: record.id, step: event.step, status: event.status, reason: event.reason };
  if (event.type === 'workflow_settled')
    // Who cancelled it; any other message may hold an agent's words.
    return {
      ...{ run: record.id, status: event.status, reason: event.reason },
      ...(event.reason === 'cancelled' ? { why: event.message.slice(0, 200) } : {}),
    };
  return { run: record.id, hash: record.hash };
}
