import type { Refusal, RefusalCode } from '@openlegion/contract/refusal';
import type { TaskAttention, TaskOrigin, TaskView } from '@openlegion/contract/task';
import type { Routed } from '../router/router.ts';
import type { Database, Transaction } from '../store/database.ts';
import type { TaskContext } from './create-task.ts';
import { addErrand, type Errand, endErrand, postponeErrand } from './errands.ts';
import { movedAt } from './find-stale.ts';
import { moveTask } from './move-task.ts';
import type { TaskLimits } from './task-limits.ts';
import { findTask } from './task-row.ts';

/**
 * What tasks ask of the rest of the host. Each resolves soon and is idempotent by the task's id, since the host may
 * be killed between the effect and its note. What is refused as `rate_limited`, `unavailable`, `internal`,
 * `disk_full` or thrown is tried again; every other refusal stands.
 */
export interface TaskHooks {
  /** Puts the task at the end of its agent's lane, under its own id, and wakes the agent. */
  dispatch(task: TaskView): Promise<Routed<unknown>>;
  /** Takes back what was ended by another: out of the lane, or out of the turn. */
  recall(task: TaskView): Promise<Routed<unknown>>;
  /** Gives a finished task back: to the agent's next prompt, to the workflow's run, to the person's channel. */
  deliverResult(result: { task: TaskView; to: TaskOrigin }): Promise<Routed<unknown>>;
  /** Shows it to whoever gave the task, and to an operator. */
  attention(attention: TaskAttention): Promise<Routed<unknown>>;
}

const PASSING: readonly RefusalCode[] = ['rate_limited', 'unavailable', 'internal', 'disk_full'];

/**
 * Called in the transaction that ends an errand: the trace may have settled with it. Returns what to do after the
 * commit.
 */
export type OnErrandEnded = (transaction: Transaction, traceId: string) => () => void;

interface ErrandParts {
  database: Database;
  hooks: TaskHooks;
  onErrandEnded?: OnErrandEnded | undefined;
  context: () => TaskContext;
  progressAt: (agent: string) => number;
  warn: (message: string) => void;
}

/** Does one errand, and stores that it is done, when it is tried again, or what follows from its having failed. */
export async function runErrand(parts: ErrandParts, errand: Errand): Promise<void> {
  const { database, context, onErrandEnded } = parts;
  const task = findTask(database, errand.taskId);
  const refusal = task && (await attempt(parts, errand, task));
  const announce = await database.write((transaction) => {
    const { now, limits } = context();
    if (!task || refusal === null) endErrand(transaction, errand);
    else if (isWorthRetrying(errand, refusal, limits)) {
      const waitMs = Math.min(limits.retryMs * 2 ** Math.min(errand.attempt - 1, 20), limits.retryMostMs);
      postponeErrand(transaction, errand, now + waitMs);
      return undefined;
    } else giveUp(transaction, context(), errand, task, refusal);
    return task ? onErrandEnded?.(transaction, task.traceId) : undefined;
  });
  announce?.();
}

function isWorthRetrying(errand: Errand, { code }: Refusal, limits: TaskLimits): boolean {
  const offered = errand.kind === 'result' || errand.kind === 'person';
  return PASSING.includes(code) && !(offered && errand.attempt >= limits.returnAttempts);
}

async function attempt(parts: ErrandParts, errand: Errand, task: TaskView): Promise<Refusal | null> {
  try {
    const answer = await hookFor(parts, errand, task);
    return answer.ok ? null : answer.refusal;
  } catch (error) {
    parts.warn(`task ${task.taskId}, ${errand.kind}: ${String(error)}`);
    return FAILED;
  }
}

async function hookFor(
  { hooks, context, progressAt }: ErrandParts,
  { kind, reason }: Errand,
  task: TaskView,
): Promise<Routed<unknown>> {
  switch (kind) {
    case 'dispatch':
      return task.status === 'pending' ? hooks.dispatch(task) : { ok: true, value: null };
    case 'recall':
      return hooks.recall(task);
    case 'result':
      return hooks.deliverResult({ task, to: task.origin });
    case 'person':
      if (task.askedBy === null) return { ok: true, value: null };
      return hooks.deliverResult({ task, to: { kind: 'person', asker: task.askedBy } });
    case 'attention': {
      const since = movedAt(task.status, Date.parse(task.updatedAt), progressAt(task.assignee));
      const forMs = Math.max(0, context().now - since);
      return hooks.attention({ task, forMs, reason: reasonOf(reason) });
    }
  }
}

function giveUp(
  transaction: Transaction,
  context: TaskContext,
  errand: Errand,
  task: TaskView,
  refusal: Refusal,
): void {
  const { taskId, traceId } = task;
  const about = { taskId, traceId, dueAt: context.now };
  context.audit.append(transaction, {
    type: 'task.errand_failed',
    actor: 'host',
    subject: task.assignee,
    rule: refusal.rule,
    traceId,
    detail: { task: taskId, errand: errand.kind, attempts: errand.attempt },
  });
  if (errand.kind === 'result' || errand.kind === 'person') {
    const toPerson = errand.kind === 'result' && task.origin.kind !== 'person' && task.askedBy !== null;
    postponeErrand(transaction, errand, null);
    if (toPerson) addErrand(transaction, { ...about, kind: 'person', reason: '' });
    else addErrand(transaction, { ...about, kind: 'attention', reason: 'undeliverable' });
    return;
  }
  endErrand(transaction, errand);
  if (errand.kind === 'dispatch')
    moveTask(transaction, context, { taskId, to: 'failed', actor: 'host', refusal });
}

function reasonOf(reason: string): TaskAttention['reason'] {
  return reason === 'blocked' || reason === 'undeliverable' ? reason : 'stale';
}

const FAILED: Refusal = {
  code: 'internal',
  rule: 'tasks.errand',
  message: 'An error of the host.',
  remedy: 'Look in the log of the host for this time.',
};
