import {
  type OutputSchema,
  type WorkflowDefinition,
  type WorkflowHandler,
  WorkflowStep,
} from '@openlegion/contract/workflow';
import { nearestName } from '../config/nearest-name.ts';
import { type Condition, checkCondition, type Scope } from './condition.ts';
import { hashOf } from './definition-hash.ts';
import { parseReference, REFERENCE_FORMS, type Reference, stepsOf } from './parse-reference.ts';
import { ancestorsOf, dependantsOf, orderOf } from './step-graph.ts';

/** A definition that holds together, with everything parsed that a run needs. */
export interface CompiledWorkflow {
  definition: WorkflowDefinition;
  hash: string;
  /** Each after those it depends on; the handlers `on_complete` and `on_failure` are not among them. */
  steps: ReadonlyMap<string, CompiledStep>;
  handlers: ReadonlyMap<string, CompiledStep>;
}

export interface CompiledStep {
  step: WorkflowStep;
  /** Where this is a handler that publishes. */
  topic: string | null;
  dependsOn: readonly string[];
  dependants: readonly string[];
  condition: Condition | null;
  input: Reference | null;
  forEach: Reference | null;
  maxRetries: number;
}

/** `path` leads into the definition; `within` counts characters of the text there. */
export interface DefinitionProblem {
  path: readonly PropertyKey[];
  within?: number;
  message: string;
  remedy: string;
}

export type Compiled =
  | { ok: true; workflow: CompiledWorkflow }
  | { ok: false; problems: readonly DefinitionProblem[] };

const MOST_SCHEMA_DEPTH = 12;

/** All that can be said of a definition without knowing the fleet. Every problem is reported. */
export function compileWorkflow(definition: WorkflowDefinition): Compiled {
  const problems: DefinitionProblem[] = [];
  const ids = new Map<string, number>();
  for (const [index, { id }] of definition.steps.entries()) {
    if (ids.has(id))
      problems.push({
        path: ['steps', index, 'id'],
        message: `a second step "${id}"`,
        remedy: 'Rename one of the two.',
      });
    else ids.set(id, index);
  }
  const graph = new Map(definition.steps.map(({ id, depends_on }) => [id, [...new Set(depends_on)]]));
  for (const [index, step] of definition.steps.entries())
    problems.push(...stepProblems(step, index, [...ids.keys()]));
  if (problems.length > 0) return { ok: false, problems };

  const sorted = orderOf(graph);
  if ('cycle' in sorted) {
    const path = ['steps', ids.get(sorted.cycle[1] ?? '') ?? 0, 'depends_on'];
    const message = `the steps wait for each other: ${sorted.cycle.join(' → ')}`;
    return { ok: false, problems: [{ path, message, remedy: 'Remove one of these dependencies.' }] };
  }
  const dependants = dependantsOf(graph);
  const steps = new Map<string, CompiledStep>();
  for (const id of sorted.order) {
    const index = ids.get(id) ?? 0;
    const step = definition.steps[index];
    if (!step) continue;
    const read = createReader(definition, graph, id, ['steps', index], problems);
    steps.set(id, {
      step,
      topic: null,
      dependsOn: graph.get(id) ?? [],
      dependants: dependants.get(id) ?? [],
      condition: read.condition(step.condition),
      input: read.reference('input_from', step.input_from),
      forEach: read.reference('for_each', step.for_each),
      maxRetries: step.max_retries ?? (step.on_failure === 'retry' ? 3 : 0),
    });
  }
  const handlers = new Map<string, CompiledStep>();
  for (const id of ['on_complete', 'on_failure'] as const) {
    const handler = definition[id];
    if (handler === undefined) continue;
    if (typeof handler !== 'string') problems.push(...addresseeProblems(handler, [id]));
    const all = new Map(graph).set(id, [...graph.keys()]);
    const read = createReader(definition, all, id, [id], problems);
    const from = typeof handler === 'string' ? undefined : handler.input_from;
    handlers.set(id, handlerStep(id, handler, read.reference('input_from', from)));
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, workflow: { definition, hash: hashOf(definition), steps, handlers } };
}

function handlerStep(id: string, handler: WorkflowHandler, input: Reference | null): CompiledStep {
  const topic = typeof handler === 'string' ? handler : null;
  const fields = typeof handler === 'string' ? { task_type: 'publish' } : handler;
  // The ids of handlers are reserved, so the schema would refuse them.
  const step = { ...WorkflowStep.parse({ ...fields, id: 'handler' }), id };
  return {
    step,
    topic,
    dependsOn: [],
    dependants: [],
    condition: null,
    input,
    forEach: null,
    // What is published is published once, whoever asks again with the same key.
    maxRetries: topic === null ? 0 : 3,
  };
}

function stepProblems(step: WorkflowStep, index: number, ids: readonly string[]): DefinitionProblem[] {
  const at = ['steps', index];
  const problems = addresseeProblems(step, at);
  for (const [position, need] of step.depends_on.entries()) {
    if (ids.includes(need)) continue;
    const near = nearestName(need, ids);
    problems.push({
      path: [...at, 'depends_on', position],
      message: `"${need}" is not a step`,
      remedy: near === null ? `The steps are: ${ids.slice(0, 20).join(', ')}.` : `Did you mean "${near}"?`,
    });
  }
  if (step.on_failure === 'fallback' && step.fallback_agent === undefined)
    problems.push({
      path: [...at, 'on_failure'],
      message: `step "${step.id}" falls back to nobody`,
      remedy: 'Add fallback_agent, or choose another on_failure.',
    });
  if (step.on_failure !== 'fallback' && step.fallback_agent !== undefined)
    problems.push({
      path: [...at, 'fallback_agent'],
      message: `fallback_agent is never used with on_failure: ${step.on_failure}`,
      remedy: 'Write "on_failure: fallback", or remove fallback_agent.',
    });
  if (step.output_schema && depthOf(step.output_schema) > MOST_SCHEMA_DEPTH)
    problems.push({
      path: [...at, 'output_schema'],
      message: 'the schema is nested too deeply',
      remedy: `Nest at most ${MOST_SCHEMA_DEPTH} levels.`,
    });
  return problems;
}

function addresseeProblems(
  { agent, capability }: { agent?: string | undefined; capability?: string | undefined },
  path: readonly PropertyKey[],
): DefinitionProblem[] {
  if ((agent === undefined) !== (capability === undefined)) return [];
  const message =
    agent === undefined ? 'nobody is named to do this' : 'both an agent and a capability are named';
  return [
    {
      path: agent === undefined ? path : [...path, 'capability'],
      message,
      remedy: 'Write either agent or capability.',
    },
  ];
}

/** Parses what a step reads, and holds it to what will exist when the step starts. */
function createReader(
  definition: WorkflowDefinition,
  graph: ReadonlyMap<string, readonly string[]>,
  id: string,
  at: readonly PropertyKey[],
  problems: DefinitionProblem[],
) {
  let found: Set<string> | undefined;
  const ancestors = () => {
    found ??= ancestorsOf(graph, id);
    return found;
  };
  return {
    condition(text: string | undefined): Condition | null {
      if (text === undefined) return null;
      const checked = checkCondition(text, scopeOf(definition, ancestors()));
      if (checked.ok) return checked.condition;
      const { message, remedy, at: within } = checked;
      problems.push({ path: [...at, 'condition'], within, message: `condition: ${message}`, remedy });
      return null;
    },
    reference(field: 'input_from' | 'for_each', text: string | undefined): Reference | null {
      if (text === undefined) return null;
      const path = [...at, field];
      const reference = parseReference(text);
      if (!reference) {
        problems.push({
          path,
          within: 0,
          message: `${field}: ${JSON.stringify(text.slice(0, 100))} is not something to read`,
          remedy: `Write ${REFERENCE_FORMS}.`,
        });
        return null;
      }
      const stray = stepsOf(reference).find((step) => !ancestors().has(step));
      const input = reference.from === 'inputs' ? reference.path[0] : undefined;
      if (stray !== undefined) {
        const known = [...graph.keys()];
        const near = known.includes(stray) ? null : nearestName(stray, known);
        const message = known.includes(stray)
          ? `${field}: "${id}" does not depend on "${stray}", which may not have run`
          : `${field}: "${stray}" is not a step`;
        const otherwise = known.includes(stray) ? `Add ${stray} to depends_on.` : `Write ${REFERENCE_FORMS}.`;
        problems.push({
          path,
          within: 0,
          message,
          remedy: near === null ? otherwise : `Did you mean "${near}"?`,
        });
      } else if (input !== undefined && !Object.hasOwn(definition.inputs, input)) {
        const near = nearestName(input, Object.keys(definition.inputs));
        const remedy = near === null ? 'Declare it under "inputs".' : `Did you mean "${near}"?`;
        problems.push({ path, within: 0, message: `${field}: "${input}" is not an input`, remedy });
      }
      return reference;
    },
  };
}

function scopeOf(definition: WorkflowDefinition, ancestors: ReadonlySet<string>): Scope {
  const scope = new Map<string, OutputSchema>();
  for (const { id, output_schema = {}, for_each } of definition.steps) {
    if (!ancestors.has(id)) continue;
    const result: OutputSchema =
      for_each === undefined ? output_schema : { type: 'array', items: output_schema };
    const text: OutputSchema = { type: 'string' };
    scope.set(id, { type: 'object', properties: { status: text, reason: text, result } });
  }
  const inputs = Object.entries(definition.inputs).map(([name, { type }]) => [name, { type }] as const);
  scope.set('inputs', { type: 'object', properties: Object.fromEntries(inputs) });
  scope.set('trigger', { type: 'object', properties: { payload: {} } });
  return scope;
}

function depthOf(schema: OutputSchema, depth = 0): number {
  if (depth > MOST_SCHEMA_DEPTH) return depth;
  const inner = [...Object.values(schema.properties ?? {}), ...(schema.items ? [schema.items] : [])];
  return Math.max(depth, ...inner.map((next) => depthOf(next, depth + 1)));
}
