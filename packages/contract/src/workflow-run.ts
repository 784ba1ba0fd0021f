import { z } from 'zod';
import { JsonValue } from './json-value.ts';
import { MicroUsd } from './money.ts';

/** Why a step or a run is what it is. The list is closed; docs/workflows.md says what each means. */
export const WorkflowReason = z.enum([
  'approval_denied',
  'approval_expired',
  'cancelled',
  'condition_error',
  'condition_false',
  'dependency_skipped',
  'failed',
  'handler_failed',
  'input',
  'output',
  'refused',
  'run_ended',
  'step_failed',
  'timeout',
  'unknown_outcome',
]);
export type WorkflowReason = z.infer<typeof WorkflowReason>;

const Cause = { reason: WorkflowReason.nullable(), message: z.string() };

export const StepStatus = z.enum([
  'waiting',
  'awaiting_approval',
  'running',
  'done',
  'skipped',
  'failed',
  'cancelled',
]);
export type StepStatus = z.infer<typeof StepStatus>;

/** Where one step of a run stands, as stored. `failure` is decided before the last of its tasks has ended. */
export const StepState = z.strictObject({
  status: StepStatus,
  ...Cause,
  /** What `input_from` gave when the step started. */
  input: JsonValue,
  /** What `for_each` gave; null for a step with one task. */
  items: z.array(JsonValue).nullable(),
  result: JsonValue,
  failure: z.strictObject({ reason: WorkflowReason, message: z.string() }).nullable(),
  approvedBy: z.string().nullable(),
  /** Tasks begun, and those of them that have not ended. */
  begun: z.int(),
  open: z.int(),
  dueAtMs: z.int().nullable(),
  startedAtMs: z.int().nullable(),
  finishedAtMs: z.int().nullable(),
});
export type StepState = z.infer<typeof StepState>;

/** One task of a step. `due` is the end of its attempt, of its pause before the next, or of waiting for its end. */
export const ItemState = z.strictObject({
  status: z.enum(['running', 'cancelling', 'backoff', 'done', 'failed', 'cancelled']),
  ...Cause,
  /** From 1. */
  attempt: z.int(),
  by: z.enum(['agent', 'fallback']),
  dueAtMs: z.int().nullable(),
  result: JsonValue,
  costMicroUsd: MicroUsd,
});
export type ItemState = z.infer<typeof ItemState>;

export const RunRecord = z.strictObject({
  id: z.string(),
  workflow: z.string(),
  /** Of the definition it started with, and keeps. */
  hash: z.string(),
  traceId: z.string(),
  /** A name of the control API's, or the agent that handed on or published. */
  startedBy: z.string(),
  how: z.enum(['manual', 'handoff', 'topic']),
  /** Hand-offs and events since a person or a schedule began; those of its tasks count on from here. */
  hops: z.int(),
  /** The message or event that it was started from. */
  parentId: z.string().nullable(),
  status: z.enum(['running', 'done', 'failed', 'cancelled']),
  /** `stopping` waits for the ends of cancelled tasks; `handler` runs on_complete or on_failure. */
  phase: z.enum(['steps', 'stopping', 'handler', 'over']),
  /** What the run will be when it is over. */
  verdict: z.enum(['done', 'failed', 'cancelled']),
  ...Cause,
  payload: JsonValue,
  inputs: z.record(z.string(), JsonValue),
  /** Steps, in this phase, that are not settled. */
  open: z.int(),
  dueAtMs: z.int().nullable(),
  startedAtMs: z.int(),
  finishedAtMs: z.int().nullable(),
  costMicroUsd: MicroUsd,
});
export type RunRecord = z.infer<typeof RunRecord>;

const event = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.strictObject({ type: z.literal(type), run: z.string(), ...shape });
const OfStep = { step: z.string() };
const OfTask = { ...OfStep, index: z.int(), attempt: z.int() };
const Ends = z.enum(['done', 'failed', 'cancelled']);

/** For whoever looks on; each is announced once what it tells is on disk. */
export const WorkflowEvent = z.discriminatedUnion('type', [
  event('workflow_started', { workflow: z.string(), hash: z.string() }),
  event('workflow_task_started', { ...OfTask, to: z.string() }),
  event('workflow_task_ended', { ...OfTask, ...Cause }),
  event('workflow_approval_asked', { ...OfStep, hash: z.string() }),
  event('workflow_approval_answered', { ...OfStep, approved: z.boolean(), by: z.string() }),
  event('workflow_step_settled', { ...OfStep, status: StepStatus, ...Cause }),
  event('workflow_settled', { status: Ends, ...Cause }),
]);
export type WorkflowEvent = z.infer<typeof WorkflowEvent>;

/** What `workflow plan` shows. `missing` empty means that nothing known stands in the way. */
export const WorkflowPlan = z.strictObject({
  workflow: z.string(),
  hash: z.string(),
  steps: z.array(
    z.strictObject({
      id: z.string(),
      to: z.array(z.string()),
      dependsOn: z.array(z.string()),
      reachable: z.boolean(),
      /** `rule` is what grants it, null where nothing does. */
      grants: z.array(z.strictObject({ agent: z.string(), needs: z.string(), rule: z.string().nullable() })),
      mostTasks: z.int(),
      /** Null where an agent's task has no bound. */
      mostMicroUsd: MicroUsd.nullable(),
    }),
  ),
  mostMicroUsd: MicroUsd.nullable(),
  /** The longest that the run can take, its approvals included, its handlers not. */
  timeoutMs: z.int(),
  missing: z.array(
    z.strictObject({
      file: z.string(),
      line: z.int(),
      column: z.int(),
      message: z.string(),
      remedy: z.string(),
    }),
  ),
  /** What the files do not say, where no host was asked. */
  unknown: z.array(z.string()),
});
export type WorkflowPlan = z.infer<typeof WorkflowPlan>;
