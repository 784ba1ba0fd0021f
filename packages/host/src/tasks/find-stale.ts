import { TaskStatus } from '@openlegion/contract/task';
import type { Reader, Transaction } from '../store/database.ts';
import { integerOf, textOf } from '../store/row.ts';
import type { TaskContext } from './create-task.ts';
import { addErrand } from './errands.ts';
import { moveTask } from './move-task.ts';
import { taskRefusals } from './refusals.ts';
import { LONG_AFTER_MS, STALE_AFTER_MS } from './task-limits.ts';

/**
 * Has somebody told of each open task that has not moved for too long, again after twice that time and so on; fails
 * those whose time is over. At work, the progress of the agent's loop counts as movement: an agent whose process is
 * there but whose loop stands still is found out by it.
 */
export function sweepTasks(
  transaction: Transaction,
  context: TaskContext,
  progressAt: (agent: string) => number,
): void {
  const { now, limits } = context;
  const late = transaction.all(
    'SELECT id FROM task WHERE finished_at IS NULL AND deadline_at <= ? LIMIT ?',
    ...[now, limits.collectRows],
  );
  for (const { id } of late)
    moveTask(transaction, context, {
      ...{ taskId: String(id), to: 'failed', actor: 'host' },
      refusal: taskRefusals.timedOut(),
    });
  const quiet = transaction.all(
    `SELECT id, trace_id, assignee, status, updated_at, told FROM task
     WHERE finished_at IS NULL AND updated_at <= ?`,
    now - Math.min(...Object.values(STALE_AFTER_MS)),
  );
  for (const row of quiet) {
    const status = TaskStatus.parse(row.status);
    const updatedAt = integerOf(row, 'updated_at');
    const since = movedAt(status, updatedAt, progressAt(textOf(row, 'assignee')));
    const longer = 2 ** integerOf(row, 'told');
    const quiet = now - since >= (STALE_AFTER_MS[status] ?? Number.POSITIVE_INFINITY) * longer;
    // Progress is what the agent says of itself: whatever it says, somebody looks in the end.
    if (!quiet && now - updatedAt < LONG_AFTER_MS * longer) continue;
    const taskId = textOf(row, 'id');
    transaction.run('UPDATE task SET told = told + 1 WHERE id = ?', taskId);
    const about = { taskId, traceId: textOf(row, 'trace_id'), dueAt: now };
    addErrand(transaction, { ...about, kind: 'attention', reason: 'stale' });
  }
}

/** When it last moved, in milliseconds since the epoch. */
export function movedAt(status: TaskStatus, updatedAt: number, progressAt: number): number {
  return status === 'working' ? Math.max(updatedAt, progressAt) : updatedAt;
}

/** When the first unfinished task must be finished; null where none must. */
export function nextDeadline(reader: Reader): number | null {
  const row = reader.get(
    'SELECT MIN(deadline_at) AS at FROM task WHERE finished_at IS NULL AND deadline_at IS NOT NULL',
  );
  return row?.at == null ? null : integerOf(row, 'at');
}
