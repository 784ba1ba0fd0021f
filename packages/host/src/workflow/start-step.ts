import type { JsonValue } from '@openlegion/contract/json-value';
import { MOST_VALUE_CHARACTERS } from './bounded-json.ts';
import type { CompiledStep } from './compile-workflow.ts';
import { type Resolved, resolveReference } from './resolve-reference.ts';
import type { Draft } from './run-draft.ts';
import { beginItems } from './run-items.ts';
import { failStep, settleStep } from './settle-step.ts';
import type { ApprovalAnswer } from './step-dispatch.ts';
import { approvalOf } from './step-task.ts';

const NO_LIST = { ok: true, list: null } as const;

/** Starts a step all of whose dependencies are settled, or skips or fails it; any other is left waiting. */
export function startStep(draft: Draft, id: string): void {
  const { phase } = draft.record;
  if ((phase !== 'steps' && phase !== 'handler') || draft.step(id).status !== 'waiting') return;
  const { step, dependsOn, condition, input, forEach } = draft.compiled(id);
  const needs = dependsOn.map((need) => draft.step(need).status);
  if (needs.some((status) => status === 'waiting' || status === 'awaiting_approval' || status === 'running'))
    return;
  const skipped = dependsOn.filter((need) => draft.step(need).status === 'skipped');
  if (skipped.length > 0 && step.on_skipped === 'skip') {
    const message = `${skipped.join(', ')} ${skipped.length === 1 ? 'was' : 'were'} skipped`;
    settleStep(draft, id, 'skipped', { reason: 'dependency_skipped', message });
    return;
  }
  if (condition) {
    const answer = condition.evaluate(valuesFor(draft, condition.names));
    if (!answer.ok) failStep(draft, id, { reason: 'condition_error', message: answer.message });
    else if (!answer.value)
      settleStep(draft, id, 'skipped', { reason: 'condition_false', message: `${step.condition}` });
    if (!answer.ok || !answer.value) return;
  }
  const readers = {
    agents: [step.agent, step.fallback_agent].filter((agent) => agent !== undefined),
    capability: step.capability ?? null,
  };
  const resolved = input ? resolveReference(draft, input, readers) : defaultInput(draft, id);
  const listed = forEach ? listOf(step, resolveReference(draft, forEach, readers)) : NO_LIST;
  if (!resolved.ok || !listed.ok) {
    const message = !resolved.ok ? resolved.message : !listed.ok ? listed.message : '';
    failStep(draft, id, { reason: 'input', message });
    return;
  }
  const state = { input: resolved.value, items: listed.list, startedAtMs: draft.context.nowMs };
  if (step.requires_approval && listed.list?.length !== 0) {
    const pauseMs = Math.ceil(step.approval_timeout * 1000);
    draft.updateStep(id, { ...state, status: 'awaiting_approval', dueAtMs: draft.context.nowMs + pauseMs });
    // Waiting for a person does not count as time of the run.
    draft.update({ dueAtMs: draft.record.dueAtMs === null ? null : draft.record.dueAtMs + pauseMs });
    draft.effects.push({ type: 'ask', step: id });
    const { hash } = approvalOf(draft.workflow, draft.record, id, draft.step(id));
    draft.events.push({ type: 'workflow_approval_asked', run: draft.record.id, step: id, hash });
    return;
  }
  draft.updateStep(id, { ...state, status: 'running' });
  beginItems(draft, id);
}

/** What people said; only the first answer counts, only in time, and only to what they were shown. */
export function approvalAnswered(draft: Draft, id: string, answer: ApprovalAnswer): void {
  const step = draft.step(id);
  if (step.status !== 'awaiting_approval' || step.dueAtMs === null) return;
  const { dueAtMs } = draft.record;
  const leftMs = Math.max(0, step.dueAtMs - draft.context.nowMs);
  if (dueAtMs !== null) draft.update({ dueAtMs: dueAtMs - leftMs });
  draft.updateStep(id, { dueAtMs: null });
  const { hash } = approvalOf(draft.workflow, draft.record, id, step);
  const other = answer.kind === 'approved' && answer.hash !== hash;
  const approved = answer.kind === 'approved' && !other && leftMs > 0;
  if (answer.kind !== 'expired') {
    const { by } = answer;
    draft.events.push({ type: 'workflow_approval_answered', run: draft.record.id, step: id, approved, by });
  }
  if (approved) {
    draft.updateStep(id, { status: 'running', approvedBy: answer.by });
    beginItems(draft, id);
  } else if (answer.kind === 'expired' || leftMs === 0) {
    const message = `nobody approved it within ${draft.compiled(id).step.approval_timeout} s`;
    failStep(draft, id, { reason: 'approval_expired', message });
  } else {
    const message = other
      ? 'something else than this was approved'
      : 'message' in answer
        ? answer.message
        : '';
    const cause = { reason: 'approval_denied', message: `${answer.by}: ${message}`.slice(0, 1000) } as const;
    failStep(draft, id, cause);
  }
}

function listOf(
  step: CompiledStep['step'],
  resolved: Resolved,
): { ok: true; list: JsonValue[] } | { ok: false; message: string } {
  if (!resolved.ok) return resolved;
  if (!Array.isArray(resolved.value)) return { ok: false, message: `${step.for_each} is not a list` };
  if (resolved.value.length <= step.max_items) return { ok: true, list: resolved.value };
  const message = `${step.for_each} has ${resolved.value.length} entries, more than max_items (${step.max_items})`;
  return { ok: false, message };
}

/** A handler without `input_from` is told what the run came to. */
function defaultInput(draft: Draft, id: string): Resolved {
  if (draft.workflow.steps.has(id)) return { ok: true, value: null };
  const { id: run, workflow, verdict: status, reason, message } = draft.record;
  const results: Record<string, JsonValue> = {};
  for (const [name, { dependants }] of draft.workflow.steps)
    if (dependants.length === 0 && draft.step(name).status === 'done')
      results[name] = draft.step(name).result;
  const small = JSON.stringify(results).length <= MOST_VALUE_CHARACTERS;
  return { ok: true, value: { run, workflow, status, reason, message, results: small ? results : {} } };
}

function valuesFor(draft: Draft, names: ReadonlySet<string>): Map<string, unknown> {
  const values = new Map<string, unknown>();
  for (const name of names) {
    if (name === 'inputs') values.set(name, draft.record.inputs);
    else if (name === 'trigger') values.set(name, { payload: draft.record.payload });
    else {
      const { status, reason, result } = draft.step(name);
      values.set(name, { status, reason: reason ?? '', result });
    }
  }
  return values;
}
