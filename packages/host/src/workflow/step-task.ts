import type { RunRecord, StepState } from '@openlegion/contract/workflow-run';
import type { CompiledWorkflow } from './compile-workflow.ts';
import { hashOf } from './definition-hash.ts';
import { FRESH_STEP, itemKey, type RunSnapshot, taskKey } from './run-draft.ts';
import type { ApprovalRequest, StepTask } from './step-dispatch.ts';

/** The attempt that is stored as open, the same again after a restart; null where none is. */
export function taskOf(
  workflow: CompiledWorkflow,
  { record, steps, items }: RunSnapshot,
  id: string,
  index: number,
): StepTask | null {
  const compiled = workflow.steps.get(id) ?? workflow.handlers.get(id);
  const state = steps.get(id);
  const item = items.get(itemKey(id, index));
  if (!compiled || !state || !item || (item.status !== 'running' && item.status !== 'cancelling'))
    return null;
  const { step, topic, dependsOn } = compiled;
  const agent = item.by === 'fallback' ? step.fallback_agent : step.agent;
  const addressee = agent === undefined ? { capability: step.capability ?? '' } : { agent };
  const context = dependsOn.map((need) => {
    const { status, result } = steps.get(need) ?? FRESH_STEP;
    return [need, { status, result }] as const;
  });
  return {
    key: taskKey(record.id, id, index, item.attempt),
    run: record.id,
    workflow: record.workflow,
    step: id,
    index,
    attempt: item.attempt,
    to: topic === null ? addressee : { topic },
    taskType: step.task_type,
    description: step.description,
    input:
      state.items === null ? state.input : { item: state.items[index] ?? null, index, input: state.input },
    context: Object.fromEntries(context),
    timeoutMs: Math.ceil(step.timeout * 1000),
    traceId: record.traceId,
    hops: record.hops,
    parentId: record.parentId,
    outputSchema: step.output_schema,
  };
}

/** What an approver is shown, whole: who will be given what, of which definition, in which run. */
export function approvalOf(
  workflow: CompiledWorkflow,
  record: RunRecord,
  id: string,
  state: StepState,
): ApprovalRequest {
  const step = workflow.steps.get(id)?.step;
  const { agent, capability, fallback_agent, task_type, timeout, description } = step ?? {};
  const subject = {
    workflow: { name: record.workflow, hash: record.hash },
    run: record.id,
    step: { id, description, agent, capability, fallback_agent, task_type, timeout },
    input: state.input,
    items: state.items,
  };
  return {
    key: `${record.id}/${id}/approval`,
    run: record.id,
    workflow: record.workflow,
    step: id,
    traceId: record.traceId,
    subject,
    hash: hashOf(subject),
    expiresAtMs: state.dueAtMs ?? 0,
  };
}
