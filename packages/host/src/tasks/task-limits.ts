import type { TaskStatus } from '@openlegion/contract/task';

const MINUTE = 60_000;

/** What tasks are held to. */
export const TASK_LIMITS = {
  /** Hand-offs that may follow one from the other; what goes round in circles ends here. */
  hops: 8,
  /**
   * Hand-offs between agents in one trace: each result gives its origin a turn, which may hand on again, so that depth
   * alone would let two agents double their turns with every hop.
   */
  ofTrace: 64,
  taskBytes: 64 * 1024,
  resultBytes: 512 * 1024,
  /** Open tasks that one origin may have, and that one agent may have been given. */
  openOfOrigin: 500,
  openOfAssignee: 1000,
  /** How often a result is offered to whom it returns to; then it goes to the person who asked. */
  returnAttempts: 8,
  retryMs: 2000,
  retryMostMs: 5 * MINUTE,
  /** After that an agent with a task at work, and no progress of its loop, counts as stuck. */
  stuckMs: 10 * MINUTE,
  /** How often it is looked for what is stale. */
  sweepMs: MINUTE,
  collectRows: 500,
} as const;

export type TaskLimits = { readonly [Name in keyof typeof TASK_LIMITS]: number };

/** The same where the agent's loop says that it gets on. */
export const LONG_AFTER_MS = 4 * 60 * MINUTE;

/** How long a task may stay as it is before somebody is told; then told again after twice as long, and so on. */
export const STALE_AFTER_MS: Readonly<Partial<Record<TaskStatus, number>>> = {
  pending: 10 * MINUTE,
  accepted: 20 * MINUTE,
  working: 30 * MINUTE,
  blocked: 60 * MINUTE,
};
