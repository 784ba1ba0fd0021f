import type { TaskView } from '@openlegion/contract/task';
import type { Reader, Transaction } from '../store/database.ts';
import { integerOf } from '../store/row.ts';
import type { TaskContext } from './create-task.ts';
import { addErrand } from './errands.ts';
import { moveTask } from './move-task.ts';
import { taskRefusals } from './refusals.ts';
import { STALE_AFTER_MS } from './task-limits.ts';
import { taskOf } from './task-row.ts';

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
  for (const row of openTasks(transaction)) {
    const task = taskOf(row);
    const told = integerOf(row, 'told');
    const since = movedAt(task, progressAt);
    const after = (STALE_AFTER_MS[task.status] ?? Number.POSITIVE_INFINITY) * 2 ** told;
    if (now - since < after) continue;
    transaction.run('UPDATE task SET told = told + 1 WHERE id = ?', task.taskId);
    const about = { taskId: task.taskId, traceId: task.traceId, dueAt: now };
    addErrand(transaction, { ...about, kind: 'attention', reason: 'stale' });
  }
}

/** When it last moved, in milliseconds since the epoch. */
export function movedAt(task: TaskView, progressAt: (agent: string) => number): number {
  const updated = Date.parse(task.updatedAt);
  return task.status === 'working' ? Math.max(updated, progressAt(task.assignee)) : updated;
}

/** When the first unfinished task must be finished; null where none must. */
export function nextDeadline(reader: Reader): number | null {
  const row = reader.get(
    'SELECT MIN(deadline_at) AS at FROM task WHERE finished_at IS NULL AND deadline_at IS NOT NULL',
  );
  return row?.at == null ? null : integerOf(row, 'at');
}

function openTasks(reader: Reader) {
  return reader.all('SELECT * FROM task INDEXED BY task_open_of WHERE finished_at IS NULL');
}
