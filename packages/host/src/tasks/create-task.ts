import { createHash } from 'node:crypto';
import type { Refusal } from '@openlegion/contract/refusal';
import type { Asker, TaskOrigin, TaskView } from '@openlegion/contract/task';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Routed } from '../router/router.ts';
import type { Transaction } from '../store/database.ts';
import { integerOf, textOf } from '../store/row.ts';
import { addErrand } from './errands.ts';
import { taskRefusals } from './refusals.ts';
import type { TaskDetails } from './task-details.ts';
import type { TaskLimits } from './task-limits.ts';
import { findTask, originName, taskOf } from './task-row.ts';

export interface NewTask {
  /** Also of the message that its agent gets. */
  id: string;
  origin: TaskOrigin;
  /** Same origin, same key: the same task, for as long as it is kept. */
  idempotencyKey: string;
  askedBy: Asker | null;
  traceId: string;
  parentId: string | null;
  /** Hand-offs since a person, a schedule or a workflow began; 1 for the first. */
  hops: number;
  assignee: string;
  /** As it was addressed. */
  to: string;
  text: string;
  /** Of a step: what its agent is given in task mode. Without, a task is a message like others. */
  details?: TaskDetails | undefined;
  /** From now on, until when it must be finished. */
  timeoutMs?: number | undefined;
  /** What allowed it, for the audit log. */
  rule: string;
}

export interface TaskContext {
  limits: TaskLimits;
  now: number;
  audit: AuditLog;
}

/**
 * Stores a task and that it is to be given to its agent, in the caller's transaction: from its commit on it is given,
 * and its result returned, whatever happens to the host.
 */
export function createTask(
  transaction: Transaction,
  { limits, now, audit }: TaskContext,
  task: NewTask,
): Routed<{ task: TaskView; created: boolean }> {
  const name = originName(task.origin);
  const text = task.text.toWellFormed();
  const digest = createHash('sha256')
    .update(JSON.stringify([task.to, text]))
    .digest('base64');
  const earlier = transaction.get(
    'SELECT * FROM task WHERE origin_name = ? AND idempotency_key = ?',
    ...[name, task.idempotencyKey],
  );
  if (earlier) {
    return textOf(earlier, 'digest') === digest
      ? { ok: true, value: { task: taskOf(earlier), created: false } }
      : { ok: false, refusal: taskRefusals.keyUsed() };
  }
  const refusal = overLimit(transaction, limits, task, name, text);
  if (refusal) return { ok: false, refusal };
  transaction.run(
    `INSERT INTO task (id, origin, origin_name, idempotency_key, digest, asked_by, trace_id, parent_id, hops, assignee,
     addressed_to, text, status, created_at, updated_at, deadline_at, details)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?)`,
    ...[task.id, JSON.stringify(task.origin), name, task.idempotencyKey, digest],
    ...[task.askedBy === null ? null : JSON.stringify(task.askedBy), task.traceId, task.parentId, task.hops],
    ...[task.assignee, task.to, text, now, now, task.timeoutMs === undefined ? null : now + task.timeoutMs],
    JSON.stringify(task.details ?? null),
  );
  transaction.run(
    "INSERT INTO task_change (task_id, at, actor, from_status, to_status, note) VALUES (?, ?, ?, NULL, 'pending', '')",
    ...[task.id, now, name],
  );
  addErrand(transaction, {
    taskId: task.id,
    traceId: task.traceId,
    kind: 'dispatch',
    reason: '',
    dueAt: now,
  });
  audit.append(transaction, {
    type: 'task.created',
    actor: name,
    subject: task.assignee,
    decision: 'allowed',
    rule: task.rule,
    traceId: task.traceId,
    detail: { task: task.id, parent: task.parentId, hops: task.hops, characters: text.length },
  });
  const created = findTask(transaction, task.id);
  if (!created) throw new Error('a task that was just stored is not there');
  return { ok: true, value: { task: created, created: true } };
}

function overLimit(
  transaction: Transaction,
  limits: TaskLimits,
  task: NewTask,
  name: string,
  text: string,
): Refusal | null {
  if (Buffer.byteLength(text) > limits.taskBytes) return taskRefusals.tooLarge('task', limits.taskBytes);
  if (task.hops > limits.hops) return taskRefusals.hops(limits.hops, pathOf(transaction, task.traceId));
  if (task.origin.kind === 'agent') {
    const trace = transaction.get(
      "SELECT COUNT(*) AS n FROM task WHERE trace_id = ? AND INSTR(origin_name, ':') = 0",
      task.traceId,
    );
    if (integerOf(trace ?? {}, 'n') >= limits.ofTrace)
      return taskRefusals.traceFull(limits.ofTrace, pathOf(transaction, task.traceId));
  }
  const open = transaction.get(
    `SELECT (SELECT COUNT(*) FROM task WHERE origin_name = ? AND finished_at IS NULL) AS own,
     (SELECT COUNT(*) FROM task WHERE assignee = ? AND finished_at IS NULL) AS given`,
    ...[name, task.assignee],
  );
  if (integerOf(open ?? {}, 'own') >= limits.openOfOrigin)
    return taskRefusals.originFull(name, limits.openOfOrigin);
  if (integerOf(open ?? {}, 'given') >= limits.openOfAssignee)
    return taskRefusals.assigneeFull(task.assignee, limits.openOfAssignee);
  return null;
}

/** `alice > bob, bob > carol`: the last hand-offs of a trace, for a record of how it came to the limit. */
function pathOf(transaction: Transaction, traceId: string): string {
  return transaction
    .all('SELECT origin_name, assignee FROM task WHERE trace_id = ? ORDER BY ordinal DESC LIMIT 10', traceId)
    .reverse()
    .map((row) => `${textOf(row, 'origin_name')} > ${textOf(row, 'assignee')}`)
    .join(', ');
}
