import type { JsonValue } from '@openlegion/contract/json-value';
import type { Refusal } from '@openlegion/contract/refusal';
import type { WorkflowDefinition } from '@openlegion/contract/workflow';
import type { RunRecord } from '@openlegion/contract/workflow-run';
import { nearestName } from '../config/nearest-name.ts';
import { parseBoundedJson } from './bounded-json.ts';
import type { CompiledWorkflow } from './compile-workflow.ts';
import { outputProblem } from './match-output.ts';

export interface StartRequest {
  workflow: string;
  /** `manual` is for operators, which whoever calls has checked; the others only for a workflow with that trigger. */
  how: 'manual' | 'handoff' | { topic: string };
  payload: unknown;
  startedBy: string;
  traceId: string;
  /** Same key, same run. Null for a run of its own. */
  key: string | null;
  hops: number;
  parentId: string | null;
}

/** The first record of a run, or why there is none. `accepted` says whether an operator accepted this hash. */
export function newRun(
  request: StartRequest,
  given: {
    id: string;
    nowMs: number;
    accepted: boolean;
    workflow: CompiledWorkflow | undefined;
    names: string[];
  },
): { ok: true; record: RunRecord } | { ok: false; refusal: Refusal } {
  const { workflow, nowMs } = given;
  const refuse = (code: Refusal['code'], rule: string, message: string, remedy: string) => ({
    ok: false as const,
    refusal: { code, rule: `workflow.${rule}`, message, remedy },
  });
  const name = request.workflow.slice(0, 63);
  if (!workflow) {
    const near = nearestName(name, given.names);
    const remedy = near === null ? 'See "./openlegion workflow list".' : `Did you mean "${near}"?`;
    return refuse('not_found', 'name', `There is no workflow "${name}".`, remedy);
  }
  const { definition, hash } = workflow;
  if (!isTriggeredBy(definition, request.how)) {
    const remedy = 'Let an operator start it, or change its trigger and accept it again.';
    return refuse('denied', 'trigger', `"${name}" is not started in this way.`, remedy);
  }
  if (!given.accepted) {
    const message = `No operator has accepted this definition of "${name}" (${hash.slice(0, 12)}).`;
    return refuse('denied', 'not_accepted', message, `Read it, then: ./openlegion workflow accept ${name}`);
  }
  const payload = parseBoundedJson(request.payload ?? null);
  if (!payload.ok)
    return refuse(
      'bad_request',
      'payload',
      `The payload cannot be taken: ${payload.problem}.`,
      'Make it smaller.',
    );
  const inputs = inputsOf(definition, payload.value);
  if (!inputs.ok)
    return refuse('bad_request', 'inputs', inputs.message, 'Give the inputs that the workflow declares.');
  const record: RunRecord = {
    id: given.id,
    workflow: definition.name,
    hash,
    traceId: request.traceId,
    startedBy: request.startedBy,
    how: typeof request.how === 'string' ? request.how : 'topic',
    hops: request.hops,
    parentId: request.parentId,
    status: 'running',
    phase: 'steps',
    verdict: 'done',
    reason: null,
    message: '',
    payload: payload.value,
    inputs: inputs.values,
    open: workflow.steps.size,
    dueAtMs: Math.ceil(nowMs + definition.timeout * 1000),
    startedAtMs: nowMs,
    finishedAtMs: null,
    costMicroUsd: 0,
  };
  return { ok: true, record };
}

export function topicOf({ trigger }: WorkflowDefinition): string | null {
  if (typeof trigger === 'string') return trigger === 'manual' || trigger === 'handoff' ? null : trigger;
  return 'topic' in trigger ? trigger.topic : null;
}

function isTriggeredBy(definition: WorkflowDefinition, how: StartRequest['how']): boolean {
  if (how === 'manual') return true;
  return how === 'handoff' ? definition.trigger === 'handoff' : topicOf(definition) === how.topic;
}

/** Fields of the payload, held to their types, or the defaults. */
function inputsOf(
  { inputs }: WorkflowDefinition,
  payload: JsonValue,
): { ok: true; values: Record<string, JsonValue> } | { ok: false; message: string } {
  const given = typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? payload : {};
  const values: [string, JsonValue][] = [];
  for (const [name, { type, default: otherwise }] of Object.entries(inputs)) {
    const value = Object.hasOwn(given, name) ? given[name] : otherwise;
    if (value === undefined) return { ok: false, message: `The input "${name}" is missing.` };
    const problem = outputProblem({ type }, value, `The input "${name}"`);
    if (problem !== null) return { ok: false, message: `${problem}.` };
    values.push([name, value]);
  }
  return { ok: true, values: Object.fromEntries(values) };
}
