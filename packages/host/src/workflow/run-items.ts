import type { JsonValue } from '@openlegion/contract/json-value';
import type { ItemState, WorkflowReason } from '@openlegion/contract/workflow-run';
import { parseBoundedJson } from './bounded-json.ts';
import { outputProblem } from './match-output.ts';
import type { Draft } from './run-draft.ts';
import { CANCEL_GRACE_MS, closeIfOver, isFatal, stopForStep, stopItems, totalOf } from './settle-step.ts';
import type { TaskOutcome } from './step-dispatch.ts';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

/** Begins as many tasks of a step as may run at once. */
export function beginItems(draft: Draft, id: string): void {
  const most = draft.step(id).items === null ? 1 : draft.compiled(id).step.max_parallel;
  for (;;) {
    const step = draft.step(id);
    if (step.open >= most || step.begun >= totalOf(step)) break;
    draft.updateStep(id, { begun: step.begun + 1, open: step.open + 1 });
    beginAttempt(draft, id, step.begun, { attempt: 1, by: 'agent', costMicroUsd: 0 });
  }
  closeIfOver(draft, id);
}

function beginAttempt(
  draft: Draft,
  id: string,
  index: number,
  { attempt, by, costMicroUsd }: Pick<ItemState, 'attempt' | 'by' | 'costMicroUsd'>,
): void {
  const { step, topic } = draft.compiled(id);
  const dueAtMs = Math.ceil(draft.context.nowMs + step.timeout * 1000);
  const fresh = { status: 'running', reason: null, message: '', result: null } as const;
  draft.setItem(id, index, { ...fresh, attempt, by, costMicroUsd, dueAtMs });
  draft.effects.push({ type: 'run', step: id, index });
  const own = step.agent ?? `capability:${step.capability}`;
  const to = topic === null ? (by === 'fallback' ? (step.fallback_agent ?? own) : own) : `topic:${topic}`;
  draft.events.push({ type: 'workflow_task_started', run: draft.record.id, step: id, index, attempt, to });
}

/** An attempt takes too long, a pause is over, or a cancelled task does not end. */
export function itemIsDue(draft: Draft, id: string, index: number): void {
  const item = draft.item(id, index);
  if (!item || item.dueAtMs === null || item.dueAtMs > draft.context.nowMs) return;
  if (item.status === 'backoff') {
    beginAttempt(draft, id, index, { ...item, attempt: item.attempt + 1 });
  } else if (item.status === 'running') {
    const dueAtMs = draft.context.nowMs + CANCEL_GRACE_MS;
    draft.setItem(id, index, { ...item, status: 'cancelling', reason: 'timeout', dueAtMs });
    draft.effects.push({ type: 'cancel', step: id, index, attempt: item.attempt });
  } else if (item.status === 'cancelling') {
    const message = 'it was cancelled and did not say that it had ended';
    itemEnded(draft, id, index, item.attempt, { kind: 'unknown', message });
  }
}

/** What an attempt came to. Attempts that are over, or never were, change nothing. */
export function itemEnded(
  draft: Draft,
  id: string,
  index: number,
  attempt: number,
  outcome: TaskOutcome,
): void {
  const before = draft.item(id, index);
  const isOpen = before?.status === 'running' || before?.status === 'cancelling';
  if (!before || !isOpen || before.attempt !== attempt) return;
  const costMicroUsd = costOf(outcome);
  draft.update({ costMicroUsd: draft.record.costMicroUsd + costMicroUsd });
  const item = { ...before, dueAtMs: null, costMicroUsd: before.costMicroUsd + costMicroUsd };
  const verdict = judge(draft, id, item, outcome);
  const { reason, message } = verdict;
  const event = { run: draft.record.id, step: id, index, attempt, reason, message };
  draft.events.push({ type: 'workflow_task_ended', ...event });
  const cause = { reason, message };
  if (verdict.reason === null) {
    conclude(draft, id, index, { ...item, ...cause, status: 'done', result: verdict.result });
  } else if (item.status === 'cancelling' && item.reason !== 'timeout') {
    conclude(draft, id, index, { ...item, ...cause, status: 'cancelled' });
  } else {
    failed(draft, id, index, item, { reason: verdict.reason, message });
  }
}

function failed(
  draft: Draft,
  id: string,
  index: number,
  item: ItemState,
  cause: { reason: WorkflowReason; message: string },
): void {
  const { step, maxRetries } = draft.compiled(id);
  const goesOn = draft.record.phase !== 'stopping' && draft.step(id).failure === null;
  const mayRepeat = goesOn && item.by === 'agent' && (cause.reason !== 'unknown_outcome' || step.repeatable);
  if (mayRepeat && item.attempt <= maxRetries) {
    const dueAtMs = draft.context.nowMs + pauseMs(item.attempt, draft.context.random());
    draft.setItem(id, index, { ...item, ...cause, status: 'backoff', dueAtMs });
    return;
  }
  if (mayRepeat && step.on_failure === 'fallback') {
    beginAttempt(draft, id, index, { ...item, attempt: item.attempt + 1, by: 'fallback' });
    return;
  }
  if (!goesOn) {
    conclude(draft, id, index, { ...item, ...cause, status: 'cancelled' });
    return;
  }
  if (step.on_failure !== 'continue') {
    draft.updateStep(id, { failure: cause });
    draft.setItem(id, index, { ...item, ...cause, status: 'failed' });
    draft.updateStep(id, { open: draft.step(id).open - 1 });
    if (isFatal(draft, id)) stopForStep(draft, id, cause.message);
    else stopItems(draft, id, 'step_failed');
    return;
  }
  conclude(draft, id, index, { ...item, ...cause, status: 'failed' });
}

/** One task fewer is open: perhaps another begins, perhaps the step is settled. */
function conclude(draft: Draft, id: string, index: number, item: ItemState): void {
  draft.setItem(id, index, item);
  const { failure } = draft.updateStep(id, { open: draft.step(id).open - 1 });
  if (failure === null && draft.record.phase !== 'stopping') beginItems(draft, id);
  else closeIfOver(draft, id);
}

/** Doubles from a second up to a minute; between half of that and the whole, so that many do not come at once. */
export function pauseMs(attempt: number, random: number): number {
  const whole = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1));
  return Math.round(whole / 2 + (whole / 2) * random);
}

type Verdict =
  | { reason: null; message: string; result: JsonValue }
  | { reason: WorkflowReason; message: string };

function judge(draft: Draft, id: string, item: ItemState, outcome: TaskOutcome): Verdict {
  const { step } = draft.compiled(id);
  const late = item.status === 'cancelling' && item.reason === 'timeout';
  const timeout: Verdict = { reason: 'timeout', message: `it took longer than ${step.timeout} s` };
  switch (outcome.kind) {
    case 'done': {
      const parsed = parseBoundedJson(outcome.result ?? null);
      if (!parsed.ok) return { reason: 'output', message: `the result cannot be kept: ${parsed.problem}` };
      const problem = step.output_schema ? outputProblem(step.output_schema, parsed.value) : null;
      if (problem !== null) return { reason: 'output', message: problem };
      return { reason: null, message: '', result: parsed.value };
    }
    case 'failed':
      return late ? timeout : { reason: 'failed', message: outcome.message.slice(0, 1000) };
    case 'refused':
      return {
        reason: 'refused',
        message: `${outcome.refusal.message} ${outcome.refusal.remedy}`.slice(0, 1000),
      };
    case 'cancelled':
      return late ? timeout : { reason: 'cancelled', message: 'the task was cancelled' };
    case 'unknown':
      return { reason: 'unknown_outcome', message: outcome.message.slice(0, 1000) };
  }
}

/** Only what can be a cost is counted. */
function costOf({ costMicroUsd = 0 }: TaskOutcome): number {
  return Number.isSafeInteger(costMicroUsd) && costMicroUsd > 0 ? costMicroUsd : 0;
}
