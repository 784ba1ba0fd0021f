import type { TaskStatus } from '@openlegion/contract/task';

/**
 * Every move that there is. What is not in the table is refused; what is done, failed or cancelled stays so. From
 * `working` to `working` is a note on how it gets on.
 */
export const TASK_MOVES: Readonly<Record<TaskStatus, readonly TaskStatus[]>> = {
  pending: ['accepted', 'working', 'failed', 'cancelled'],
  accepted: ['working', 'blocked', 'done', 'failed', 'cancelled'],
  working: ['working', 'blocked', 'done', 'failed', 'cancelled'],
  blocked: ['working', 'done', 'failed', 'cancelled'],
  done: [],
  failed: [],
  cancelled: [],
};

export function isOpen(status: TaskStatus): boolean {
  return TASK_MOVES[status].length > 0;
}
