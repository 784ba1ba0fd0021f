import type { CompiledWorkflow } from './compile-workflow.ts';
import {
  type Change,
  createDraft,
  type Draft,
  FRESH_STEP,
  type RunSnapshot,
  type TransitionContext,
} from './run-draft.ts';
import { itemEnded, itemIsDue } from './run-items.ts';
import { stopRun } from './settle-step.ts';
import { approvalAnswered, startStep } from './start-step.ts';
import type { ApprovalAnswer, TaskOutcome } from './step-dispatch.ts';

/** What can happen to a run. Everything may be said twice or too late: then it changes nothing. */
export type RunSignal =
  | { type: 'begin' }
  | { type: 'ended'; step: string; index: number; attempt: number; outcome: TaskOutcome }
  | { type: 'answered'; step: string; answer: ApprovalAnswer }
  | { type: 'due'; of: 'run' }
  | { type: 'due'; of: 'step'; step: string }
  | { type: 'due'; of: 'item'; step: string; index: number }
  | { type: 'cancel'; by: string };

/**
 * What becomes of a run by these signals, in their order: a pure function of what is stored, apart from reading the
 * blackboard and jitter. The change is whole: no step is left that could start and was not looked at.
 */
export function transition(
  workflow: CompiledWorkflow,
  snapshot: RunSnapshot,
  signals: readonly RunSignal[],
  context: TransitionContext,
): Change {
  const draft = createDraft(workflow, snapshot, context);
  for (const signal of signals) {
    if (draft.record.phase === 'over') break;
    apply(draft, signal);
    for (;;) {
      for (let id = draft.ready.shift(); id !== undefined; id = draft.ready.shift()) startStep(draft, id);
      if (draft.record.open > 0 || !advance(draft)) break;
    }
  }
  return draft.change();
}

function apply(draft: Draft, signal: RunSignal): void {
  const { record, workflow, context } = draft;
  switch (signal.type) {
    case 'begin':
      draft.events.push({
        type: 'workflow_started',
        run: record.id,
        workflow: record.workflow,
        hash: record.hash,
      });
      for (const [id, { dependsOn }] of workflow.steps) if (dependsOn.length === 0) draft.ready.push(id);
      return;
    case 'ended':
      itemEnded(draft, signal.step, signal.index, signal.attempt, signal.outcome);
      return;
    case 'answered':
      approvalAnswered(draft, signal.step, signal.answer);
      return;
    case 'cancel':
      stopRun(draft, { verdict: 'cancelled', reason: 'cancelled', message: `by ${signal.by}` });
      return;
    case 'due':
      if (signal.of === 'item') itemIsDue(draft, signal.step, signal.index);
      else if (signal.of === 'step') approvalIsDue(draft, signal.step);
      else if (record.dueAtMs !== null && record.dueAtMs <= context.nowMs) {
        const message = `the run took longer than ${workflow.definition.timeout} s`;
        stopRun(draft, { verdict: 'failed', reason: 'timeout', message });
      }
  }
}

function approvalIsDue(draft: Draft, id: string): void {
  const { status, dueAtMs } = draft.step(id);
  if (status !== 'awaiting_approval' || dueAtMs === null || dueAtMs > draft.context.nowMs) return;
  draft.effects.push({ type: 'withdraw', step: id });
  approvalAnswered(draft, id, { kind: 'expired' });
}

/** Nothing is open: the next phase, or the end. False when the run is over. */
function advance(draft: Draft): boolean {
  const { phase, verdict } = draft.record;
  const handled = [...draft.workflow.handlers.keys()].find((id) => draft.step(id).status !== 'waiting');
  if (phase === 'over') return false;
  if (handled === undefined && verdict !== 'cancelled') {
    const id = verdict === 'done' ? 'on_complete' : 'on_failure';
    if (draft.workflow.handlers.has(id)) {
      draft.update({ phase: 'handler', open: 1, dueAtMs: null });
      draft.updateStep(id, FRESH_STEP);
      draft.ready.push(id);
      return true;
    }
  }
  finish(draft, handled);
  return false;
}

function finish(draft: Draft, handled: string | undefined): void {
  const handler = handled === undefined ? null : draft.step(handled);
  let { verdict, reason, message } = draft.record;
  if (handler && handler.status !== 'done' && verdict !== 'cancelled') {
    const said = `${handled}: ${handler.message}`;
    if (verdict === 'done') [verdict, reason, message] = ['failed', 'handler_failed', said];
    else message = `${message}; ${said}`;
  } else if (verdict === 'done') {
    const failed = [...draft.workflow.steps.keys()].filter((id) => draft.step(id).status === 'failed');
    if (failed.length > 0) message = `failed, and allowed to: ${failed.join(', ')}`;
  }
  message = message.slice(0, 1000);
  const finishedAtMs = draft.context.nowMs;
  draft.update({ phase: 'over', status: verdict, verdict, reason, message, dueAtMs: null, finishedAtMs });
  draft.events.push({ type: 'workflow_settled', run: draft.record.id, status: verdict, reason, message });
}
