import { z } from 'zod';
import { AgentName } from './agent-name.ts';

/** What conditions cannot use as a variable, or mean something else by. */
const RESERVED_STEP_IDS =
  `trigger inputs item on_complete on_failure true false null in as break const continue else for function if
  import let loop package namespace return var void while int uint double bool string bytes list map null_type type
  dyn cel optional google timestamp duration size has matches manual handoff`.split(/\s+/);

/** Conditions and `input_from` refer to steps by it, so it has no hyphen. */
export const StepId = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,62}$/, 'a lower-case letter, then letters, digits and underscores, 63 at most')
  .refine((id) => !RESERVED_STEP_IDS.includes(id), 'this word is reserved');

export const WorkflowName = z
  .string()
  .regex(
    /^[a-z][a-z0-9_-]{0,62}$/,
    'a lower-case letter, then letters, digits, underscores and hyphens, 63 at most',
  );

export const TopicName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_./-]{0,199}$/i,
    'letters, digits and any of _ . / -, 200 characters at most, for example new_prospect',
  );

/** The part of JSON Schema that a result is held to and that conditions are type-checked against. */
export interface OutputSchema {
  type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null' | undefined;
  description?: string | undefined;
  properties?: Record<string, OutputSchema> | undefined;
  required?: string[] | undefined;
  additionalProperties?: boolean | undefined;
  items?: OutputSchema | undefined;
  enum?: (string | number | boolean | null)[] | undefined;
  minimum?: number | undefined;
  maximum?: number | undefined;
  maxItems?: number | undefined;
  maxLength?: number | undefined;
}
export const OutputSchema: z.ZodType<OutputSchema> = z.lazy(() =>
  z.strictObject({
    type: z.enum(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']).optional(),
    description: z.string().max(1000).optional(),
    properties: z.record(z.string().min(1).max(100), OutputSchema).optional(),
    required: z.array(z.string().max(100)).max(200).optional(),
    additionalProperties: z.boolean().optional(),
    items: OutputSchema.optional(),
    enum: z
      .array(z.union([z.string().max(500), z.number(), z.boolean(), z.null()]))
      .min(1)
      .max(200)
      .optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    maxItems: z.int().nonnegative().optional(),
    maxLength: z.int().nonnegative().optional(),
  }),
);

/** Seconds, as in `timeout: 120`; at most a week. */
const Seconds = z.number().positive().max(604_800);
const Reference = z.string().min(1).max(500);

/** What a step and a handler have in common. Exactly one of `agent` and `capability` (checked at load). */
const TaskFields = {
  agent: AgentName.optional(),
  capability: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,62}$/, 'a lower-case letter, then letters, digits and hyphens, 63 at most')
    .optional(),
  task_type: z.string().min(1).max(200),
  /** `trigger.payload[.path]`, `inputs.NAME`, `STEP`, `STEP.result[.path]`, `blackboard://key/{var}`. */
  input_from: Reference.optional(),
  /** Of each attempt, from its dispatch. */
  timeout: Seconds.default(120),
};

export const WorkflowStep = z.strictObject({
  id: StepId,
  description: z.string().max(2000).default(''),
  ...TaskFields,
  depends_on: z.array(StepId).max(1000).default([]),
  condition: z.string().min(1).max(2000).optional(),
  on_failure: z.enum(['abort', 'retry', 'skip', 'fallback', 'continue']).default('abort'),
  /** Attempts beyond the first: 3 where `on_failure` is `retry`, else none, unless given. */
  max_retries: z.int().min(0).max(20).optional(),
  fallback_agent: AgentName.optional(),
  /** What this step does where a dependency was skipped: is skipped too, or runs without it. */
  on_skipped: z.enum(['skip', 'run']).default('skip'),
  /** An attempt whose outcome nobody knows may be made again. */
  repeatable: z.boolean().default(false),
  requires_approval: z.boolean().default(false),
  approval_timeout: Seconds.default(3600),
  /** A list, in the syntax of `input_from`: one task for each of its entries. */
  for_each: Reference.optional(),
  max_parallel: z.int().min(1).max(100).default(4),
  /** A longer list fails the step; also what the bound on cost counts with. */
  max_items: z.int().min(1).max(1000).default(100),
  output_schema: OutputSchema.optional(),
});
export type WorkflowStep = z.infer<typeof WorkflowStep>;

/** A topic to publish the outcome of the run to, or one last task. */
export const WorkflowHandler = z.union([TopicName, z.strictObject(TaskFields)]);
export type WorkflowHandler = z.infer<typeof WorkflowHandler>;

/** A topic's name, `manual`, `handoff`, or a map with one of `topic`, `webhook`, `cron`. */
export const WorkflowTrigger = z.union([
  TopicName,
  z.strictObject({ topic: TopicName }),
  z.strictObject({ webhook: WorkflowName }),
  z.strictObject({ cron: z.string().min(1).max(200), timezone: z.string().max(100).optional() }),
]);
export type WorkflowTrigger = z.infer<typeof WorkflowTrigger>;

const InputValue = z.union([z.string().max(10_000), z.number(), z.boolean(), z.null()]);
export const WorkflowInput = z.strictObject({
  type: z.enum(['string', 'number', 'integer', 'boolean', 'object', 'array']),
  description: z.string().max(1000).default(''),
  /** Where neither this nor a value is given, the run is refused. */
  default: InputValue.optional(),
});

/** `config/workflows/*.yaml`. Unknown keys are errors. */
export const WorkflowDefinition = z.strictObject({
  name: WorkflowName,
  description: z.string().max(2000).default(''),
  trigger: WorkflowTrigger.default('manual'),
  /** Of the whole run, its handlers not counted. */
  timeout: Seconds.default(600),
  inputs: z.record(StepId, WorkflowInput).default({}),
  steps: z.array(WorkflowStep).min(1).max(1000),
  on_complete: WorkflowHandler.optional(),
  on_failure: WorkflowHandler.optional(),
});
export type WorkflowDefinition = z.infer<typeof WorkflowDefinition>;
