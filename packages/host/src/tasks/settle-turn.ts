import type { JsonValue } from '@openlegion/contract/json-value';
import type { Refusal } from '@openlegion/contract/refusal';
import type { Transaction } from '../store/database.ts';
import type { TaskContext } from './create-task.ts';
import { moveTask } from './move-task.ts';
import { findTask } from './task-row.ts';

/** Of a reply that is larger than a result may be, this much is returned; the whole stays with the message. */
const CUT_CHARACTERS = 80 * 1024;

/** How the turn of a task's message ended. */
export interface TurnEnd {
  taskId: string;
  status: 'done' | 'failed' | 'cancelled';
  reply: string | null;
  /** What a turn in task mode gave as its result; null where the reply is all there is. */
  result?: JsonValue;
  refusal: Refusal | null;
}

/** The turn of a task begins. What is no task, or is at work already (a turn given again), stays as it is. */
export function startTurn(transaction: Transaction, context: TaskContext, taskId: string): void {
  const task = findTask(transaction, taskId);
  if (task?.status === 'pending' || task?.status === 'accepted')
    moveTask(transaction, context, { taskId, to: 'working', actor: task.assignee });
}

/**
 * The turn of a task ended: its reply is the result, unless the agent has said otherwise in it (completed it, failed
 * it, or said that it is blocked, which it stays). What is no task, or is finished, stays as it is.
 */
export function settleTurn(transaction: Transaction, context: TaskContext, end: TurnEnd): void {
  startTurn(transaction, context, end.taskId);
  const task = findTask(transaction, end.taskId);
  if (!task || (task.status === 'blocked' && end.status === 'done')) return;
  moveTask(transaction, context, {
    ...{ taskId: end.taskId, to: end.status, actor: task.assignee, refusal: end.refusal },
    result: resultOf(end, context.limits.resultBytes),
  });
}

function resultOf({ result = null, reply }: TurnEnd, most: number): JsonValue {
  if (result !== null && Buffer.byteLength(JSON.stringify(result)) <= most) return result;
  return reply === null ? null : fitting(reply, most);
}

function fitting(reply: string, most: number): string {
  if (Buffer.byteLength(JSON.stringify(reply)) <= most) return reply;
  return `${reply.slice(0, Math.min(CUT_CHARACTERS, Math.floor(most / 6) - 100)).toWellFormed()}\n[The reply was longer and is cut here.]`;
}
