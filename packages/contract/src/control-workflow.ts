import { z } from 'zod';
import { CatalogProvider } from './catalog.ts';
import { JsonValue } from './json-value.ts';
import { Refusal } from './refusal.ts';
import { ItemState, RunRecord, StepState, WorkflowPlan } from './workflow-run.ts';

/**
 * Workflows on the control API. The files in `config/workflows` are read again for each of these, so that what is
 * shown, accepted and started is what stands there.
 *
 * | method and path                       | body           | answer                                          |
 * |---------------------------------------|----------------|-------------------------------------------------|
 * | GET  /api/workflows                   |                | WorkflowList                                    |
 * | GET  /api/workflows/{name}            |                | WorkflowSource; name or hash                    |
 * | POST /api/workflows/check             | CheckWorkflow  | WorkflowProblems                                |
 * | GET  /api/workflows/{name}/plan       |                | WorkflowPlanned                                 |
 * | GET  /api/workflows/{name}/graph?as=  |                | WorkflowGraph; as text (default), mermaid, svg  |
 * | POST /api/workflows/{hash}/accept     | AcceptWorkflow | AcceptedWorkflow                                |
 * | POST /api/workflows/{name}/runs       | RunWorkflow    | 202 WorkflowRunStarted, once it is on disk      |
 * | GET  /api/workflow-runs?workflow=     |                | WorkflowRunList; newest first, at most 200      |
 * | GET  /api/workflow-runs/{id}?wait=    |                | WorkflowRunView; waits so many seconds for its end |
 * | POST /api/workflow-runs/{id}/cancel   |                | { cancelled: boolean }                          |
 */
export const ConfigProblem = z.object({
  file: z.string(),
  line: z.int(),
  column: z.int(),
  message: z.string(),
  remedy: z.string(),
});
export type ConfigProblem = z.infer<typeof ConfigProblem>;

export const WorkflowSummary = z.object({
  name: z.string(),
  hash: z.string(),
  description: z.string(),
  trigger: z.string(),
  steps: z.int(),
  /** `config/workflows/x.yaml`; null for a proposal that stands in no file, which cannot run. */
  file: z.string().nullable(),
  proposedBy: z.string().nullable(),
  acceptedBy: z.string().nullable(),
  acceptedAt: z.string().nullable(),
  /** Why it is not started by its trigger, though it may be by hand; null where it is. */
  note: z.string().nullable(),
});
export type WorkflowSummary = z.infer<typeof WorkflowSummary>;
export const WorkflowList = z.object({
  workflows: z.array(WorkflowSummary),
  problems: z.array(ConfigProblem),
});
export type WorkflowList = z.infer<typeof WorkflowList>;

/** `yaml` as it was written; for a proposal, as the agent wrote it. */
export const WorkflowSource = z.object({ summary: WorkflowSummary, yaml: z.string() });
export type WorkflowSource = z.infer<typeof WorkflowSource>;

export const CheckWorkflow = z.strictObject({
  file: z.string().min(1).max(300),
  yaml: z.string().max(1024 * 1024),
});
export type CheckWorkflow = z.infer<typeof CheckWorkflow>;
export const WorkflowProblems = z.object({ name: z.string().nullable(), problems: z.array(ConfigProblem) });
export type WorkflowProblems = z.infer<typeof WorkflowProblems>;

/** `plan` is null where the definition has problems, which are then all that can be said. */
export const WorkflowPlanned = z.object({
  plan: WorkflowPlan.nullable(),
  problems: z.array(ConfigProblem),
});
export type WorkflowPlanned = z.infer<typeof WorkflowPlanned>;

export const GraphForm = z.enum(['text', 'mermaid', 'svg']);
export type GraphForm = z.infer<typeof GraphForm>;
export const WorkflowGraph = z.object({ text: z.string() });

/** What the program is asked that answers from the files alone (`host/src/workflow-main.ts`). */
export const WorkflowOrder = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('validate'), home: z.string(), source: CheckWorkflow.nullable() }),
  z.strictObject({ do: z.literal('graph'), home: z.string(), name: z.string(), as: GraphForm }),
  z.strictObject({
    ...{ do: z.literal('plan'), home: z.string(), name: z.string() },
    providers: z.array(CatalogProvider),
  }),
]);
export type WorkflowOrder = z.infer<typeof WorkflowOrder>;
/** `checked` definitions have no problem. */
export const WorkflowsChecked = WorkflowProblems.extend({ checked: z.int() });
export const WorkflowAnswer = z.union([
  WorkflowsChecked,
  WorkflowGraph,
  WorkflowPlanned,
  z.object({ failed: Refusal }),
]);
export type WorkflowAnswer = z.infer<typeof WorkflowAnswer>;

/** `accepted: false` takes an acceptance back: no further run starts. */
export const AcceptWorkflow = z.strictObject({ accepted: z.boolean().default(true) });
export type AcceptWorkflow = z.infer<typeof AcceptWorkflow>;
export const AcceptedWorkflow = z.object({
  name: z.string(),
  hash: z.string(),
  acceptedBy: z.string().nullable(),
});
export type AcceptedWorkflow = z.infer<typeof AcceptedWorkflow>;

export const RunWorkflow = z.strictObject({
  payload: JsonValue.default(null),
  /** Same key, same run. */
  idempotencyKey: z.string().min(1).max(200).optional(),
});
export type RunWorkflow = z.infer<typeof RunWorkflow>;
export const WorkflowRunStarted = z.object({ run: RunRecord, created: z.boolean() });
export type WorkflowRunStarted = z.infer<typeof WorkflowRunStarted>;

export const WorkflowRunList = z.object({ runs: z.array(RunRecord) });
export type WorkflowRunList = z.infer<typeof WorkflowRunList>;
/** Steps in the order of the definition; items by `STEP/INDEX`. `approvals`: ids of those that wait. */
export const WorkflowRunView = z.object({
  run: RunRecord,
  steps: z.array(z.object({ id: z.string(), state: StepState })),
  items: z.record(z.string(), ItemState),
  approvals: z.array(z.object({ step: z.string(), id: z.string() })),
});
export type WorkflowRunView = z.infer<typeof WorkflowRunView>;
