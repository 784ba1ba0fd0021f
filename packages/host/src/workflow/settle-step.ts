import type { JsonValue } from '@openlegion/contract/json-value';
import type { StepState, StepStatus, WorkflowReason } from '@openlegion/contract/workflow-run';
import { type Draft, itemKey } from './run-draft.ts';

/** How long the end of a cancelled task is waited for before its outcome counts as unknown. */
export const CANCEL_GRACE_MS = 30_000;

/** The step's last state. Those that depend on it are looked at next. */
export function settleStep(
  draft: Draft,
  id: string,
  status: Exclude<StepStatus, 'waiting' | 'awaiting_approval' | 'running'>,
  cause: { reason: WorkflowReason | null; message: string },
  result: JsonValue = null,
): void {
  const finishedAtMs = draft.context.nowMs;
  draft.updateStep(id, { status, ...cause, result, failure: null, dueAtMs: null, finishedAtMs });
  draft.update({ open: draft.record.open - 1 });
  draft.events.push({ type: 'workflow_step_settled', run: draft.record.id, step: id, status, ...cause });
  if (draft.record.phase === 'steps') draft.ready.push(...draft.compiled(id).dependants);
}

/** What `on_failure` makes of a step that has failed for good. The result is what parts of it came to. */
export function failStep(
  draft: Draft,
  id: string,
  cause: { reason: WorkflowReason; message: string },
  result: JsonValue = null,
): void {
  const policy = draft.compiled(id).step.on_failure;
  settleStep(draft, id, policy === 'skip' ? 'skipped' : 'failed', cause, result);
  if (isFatal(draft, id)) stopForStep(draft, id, cause.message);
}

/** Whether a failure of this step ends the run. A handler's is told by `transition`. */
export function isFatal(draft: Draft, id: string): boolean {
  const policy = draft.compiled(id).step.on_failure;
  return draft.workflow.steps.has(id) && policy !== 'skip' && policy !== 'continue';
}

export function stopForStep(draft: Draft, id: string, message: string): void {
  stopRun(draft, { verdict: 'failed', reason: 'step_failed', message: `${id}: ${message}`.slice(0, 1000) });
}

/** Nothing new starts; what runs is cancelled. The run is over when the last of it has ended. */
export function stopRun(
  draft: Draft,
  cause: { verdict: 'failed' | 'cancelled'; reason: WorkflowReason; message: string },
): void {
  const { phase } = draft.record;
  if (phase !== 'steps' && phase !== 'handler') return;
  draft.update({ ...cause, phase: 'stopping', dueAtMs: null });
  const ids = phase === 'steps' ? draft.workflow.steps.keys() : draft.workflow.handlers.keys();
  const ended = { reason: 'run_ended', message: '' } as const;
  for (const id of ids) {
    const { status } = draft.step(id);
    if (status === 'awaiting_approval') draft.effects.push({ type: 'withdraw', step: id });
    if (status === 'awaiting_approval' || (status === 'waiting' && phase === 'steps'))
      settleStep(draft, id, 'cancelled', ended);
    else if (status === 'running') stopItems(draft, id, 'run_ended');
  }
}

/** Cancels what is open of a step. */
export function stopItems(draft: Draft, id: string, reason: WorkflowReason): void {
  const { nowMs } = draft.context;
  const { begun } = draft.step(id);
  for (let index = 0; index < begun; index += 1) {
    const item = draft.item(id, index);
    if (item?.status === 'running') {
      draft.setItem(id, index, { ...item, status: 'cancelling', reason, dueAtMs: nowMs + CANCEL_GRACE_MS });
      draft.effects.push({ type: 'cancel', step: id, index, attempt: item.attempt });
    } else if (item?.status === 'backoff') {
      draft.setItem(id, index, { ...item, status: 'cancelled', reason, dueAtMs: null });
      draft.updateStep(id, { open: draft.step(id).open - 1 });
    }
  }
  closeIfOver(draft, id);
}

export const totalOf = (step: StepState) => step.items?.length ?? 1;

/** Settles a step none of whose tasks is open and of which no further one will begin. */
export function closeIfOver(draft: Draft, id: string): void {
  const step = draft.step(id);
  const noMore = step.failure !== null || step.begun === totalOf(step) || draft.record.phase === 'stopping';
  if (step.status !== 'running' || step.open > 0 || !noMore) return;
  const items = Array.from({ length: step.begun }, (_, index) => {
    const item = draft.item(id, index);
    if (!item) throw new Error(`${itemKey(id, index)} was begun and is not stored`);
    return item;
  });
  const results = items.map(({ status, result }) => (status === 'done' ? result : null));
  const result = step.items === null ? (results[0] ?? null) : results;
  const failed = items.filter(({ status }) => status === 'failed');
  const [first] = failed;
  if (step.failure) failStep(draft, id, step.failure, step.items === null ? null : result);
  else if (items.length === totalOf(step) && items.every(({ status }) => status === 'done'))
    settleStep(draft, id, 'done', { reason: null, message: '' }, result);
  else if (
    first?.reason &&
    items.length === totalOf(step) &&
    !items.some(({ status }) => status === 'cancelled')
  ) {
    const message =
      step.items === null ? first.message : `${failed.length} of ${items.length} entries: ${first.message}`;
    failStep(draft, id, { reason: first.reason, message }, step.items === null ? null : result);
  } else settleStep(draft, id, 'cancelled', { reason: 'run_ended', message: '' });
}
