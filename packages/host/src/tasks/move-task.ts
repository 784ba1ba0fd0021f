import type { JsonValue } from '@openlegion/contract/json-value';
import type { Refusal } from '@openlegion/contract/refusal';
import type { TaskChange, TaskStatus, TaskView } from '@openlegion/contract/task';
import { TaskStatus as Status } from '@openlegion/contract/task';
import type { Routed } from '../router/router.ts';
import type { Reader, Transaction } from '../store/database.ts';
import { textOf, textOrNull } from '../store/row.ts';
import type { TaskContext } from './create-task.ts';
import { addErrand, dropErrand } from './errands.ts';
import { taskRefusals } from './refusals.ts';
import { findTask, originName } from './task-row.ts';
import { isOpen, TASK_MOVES } from './task-status.ts';

export interface TaskMove {
  taskId: string;
  to: TaskStatus;
  /** Who moves it. That it may is for the caller to have decided. */
  actor: string;
  note?: string | undefined;
  result?: JsonValue;
  /** Why it failed. */
  refusal?: Refusal | null;
}

/**
 * Moves a task and records the move, in the caller's transaction. With a final move it is stored that the result is
 * to be returned; with `blocked`, that somebody is to be told; a cancelled one is taken back from its agent. A note on
 * how it gets on moves nothing: a task that stands still is found out all the same.
 */
export function moveTask(
  transaction: Transaction,
  { limits, now }: TaskContext,
  { taskId, to, actor, note = '', result = null, refusal = null }: TaskMove,
): Routed<TaskView> {
  const task = findTask(transaction, taskId);
  if (!task) return { ok: false, refusal: taskRefusals.unknown() };
  if (!TASK_MOVES[task.status].includes(to))
    return { ok: false, refusal: taskRefusals.move(task.status, to) };
  const resultText = JSON.stringify(result);
  if (Buffer.byteLength(resultText) > limits.resultBytes)
    return { ok: false, refusal: taskRefusals.tooLarge('result', limits.resultBytes) };
  const remark = note.toWellFormed();
  const final = !isOpen(to);
  transaction.run(
    'INSERT INTO task_change (task_id, at, actor, from_status, to_status, note) VALUES (?, ?, ?, ?, ?, ?)',
    ...[taskId, now, actor, task.status, to, remark],
  );
  if (to === task.status) {
    transaction.run('UPDATE task SET note = ? WHERE id = ?', remark, taskId);
    return { ok: true, value: { ...task, note: remark } };
  }
  transaction.run(
    `UPDATE task SET status = ?, note = ?, result = ?, refusal = ?, updated_at = ?, finished_at = ?, told = 0
     WHERE id = ?`,
    ...[to, remark, resultText, refusal === null ? null : JSON.stringify(refusal)],
    ...[now, final ? now : null, taskId],
  );
  const about = { taskId, traceId: task.traceId, reason: '', dueAt: now };
  dropErrand(transaction, taskId, 'attention');
  if (to === 'blocked') addErrand(transaction, { ...about, kind: 'attention', reason: 'blocked' });
  if (final) {
    dropErrand(transaction, taskId, 'dispatch');
    // Whoever called its own task off knows.
    if (actor !== originName(task.origin)) addErrand(transaction, { ...about, kind: 'result' });
    // What its agent has ended itself, in its turn, need not be taken from it.
    if (actor !== task.assignee) addErrand(transaction, { ...about, kind: 'recall' });
  }
  const moved = findTask(transaction, taskId);
  if (!moved) throw new Error('a task that was just stored is not there');
  return { ok: true, value: moved };
}

/** Every move of a task, oldest first. */
export function changesOf(reader: Reader, taskId: string): TaskChange[] {
  return reader.all('SELECT * FROM task_change WHERE task_id = ? ORDER BY seq', taskId).map((row) => ({
    taskId,
    at: new Date(Number(row.at)).toISOString(),
    actor: textOf(row, 'actor'),
    from: textOrNull(row, 'from_status') === null ? null : Status.parse(row.from_status),
    to: Status.parse(row.to_status),
    note: textOf(row, 'note'),
  }));
}
