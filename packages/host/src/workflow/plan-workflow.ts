import { formatMicroUsd } from '@openlegion/contract/money';
import type { AgentPermissions } from '@openlegion/contract/permissions-config';
import type { WorkflowPlan } from '@openlegion/contract/workflow-run';
import type { ConfigProblem } from '../config/config-problem.ts';
import type { AgentSettings } from '../config/fleet-config.ts';
import { matchesPattern } from '../router/match-pattern.ts';
import type { CompiledStep } from './compile-workflow.ts';
import type { LoadedWorkflow } from './load-workflows.ts';
import type { Reference } from './parse-reference.ts';

export interface PlanParts {
  agents: ReadonlyMap<string, Pick<AgentSettings, 'capabilities' | 'permissions' | 'permissionsRecord'>>;
  /** What one task of this agent can cost at most; null where there is no bound. */
  taskBoundMicroUsd: (agent: string) => number | null;
  /** What one call of its model is reserved with at least. */
  leastCallMicroUsd: (agent: string) => number;
  /** What the agent may still spend, today and this month. */
  agentLeftMicroUsd: (agent: string) => number;
  /** What may still be spent, by whoever it is that runs out first. */
  budgetLeftMicroUsd: number;
  /** Whether anyone can answer an approval. */
  hasApprover: boolean;
  /** Null where that is not known. */
  accepted: boolean | null;
}

/**
 * What a run would need, before anything runs. The bound counts every attempt and every entry that the definition
 * allows. What is missing would keep the run from succeeding as it is now; nothing in it is a promise that the work
 * itself succeeds.
 */
export function planWorkflow({ workflow, file, locate }: LoadedWorkflow, parts: PlanParts): WorkflowPlan {
  const { definition, hash, steps } = workflow;
  const missing: ConfigProblem[] = [];
  const problem = (path: readonly PropertyKey[], message: string, remedy: string) => {
    missing.push({ file, ...locate(path), message, remedy });
  };
  const positions = new Map(definition.steps.map(({ id }, index) => [id, index]));
  const never = unreachable(steps);

  const planned = [...steps].map(([id, compiled]) => {
    const { step, dependsOn } = compiled;
    const path = ['steps', positions.get(id) ?? 0];
    const to = addresseesOf(compiled, parts);
    const grants = to.flatMap((agent) => grantsOf(agent, compiled, parts));
    for (const { agent, needs, rule } of grants)
      if (rule === null) problem(path, `step "${id}": ${agent} lacks ${needs}`, remedyFor(agent, needs));
    if (never.has(id)) {
      const message = `step "${id}" is never reached: ${never.get(id)}`;
      problem([...path, 'condition'], message, 'Correct the condition, or remove the step.');
    }
    if (step.requires_approval && !parts.hasApprover)
      problem(
        [...path, 'requires_approval'],
        `step "${id}" asks for approval, and nobody can give it`,
        'Name an approver: ./openlegion token create --role approver NAME',
      );
    const mostTasks = never.has(id)
      ? 0
      : (1 + compiled.maxRetries + (step.fallback_agent ? 1 : 0)) * entriesOf(compiled);
    return {
      id,
      to,
      dependsOn: [...dependsOn],
      reachable: !never.has(id),
      grants,
      mostTasks,
      mostMicroUsd: costOf(to, mostTasks, parts),
    };
  });

  const everyone = new Set([...planned.flatMap(({ to }) => to), ...handlersTo(workflow.handlers, parts)]);
  for (const agent of everyone) {
    const [left, least] = [parts.agentLeftMicroUsd(agent), parts.leastCallMicroUsd(agent)];
    if (left >= least) continue;
    const first = planned.findIndex(({ to }) => to.includes(agent));
    const at = first === -1 ? ['steps'] : ['steps', positions.get(planned[first]?.id ?? '') ?? 0];
    const message = `${agent} may spend ${dollars(left)} more, and one call of its model is reserved with ${dollars(least)} or more`;
    problem(at, message, `Raise budget of ${agent} in config/agents.yaml, or give it a cheaper model.`);
  }
  const counted = sum([
    ...planned.map((step) => step.mostMicroUsd),
    dearestOf([...workflow.handlers.values()].map((handler) => handlerCost(handler, parts))),
  ]);
  // Every agent's own budget bounds it too, whatever the tasks could cost.
  const ownBudgets = [...everyone].reduce((all, agent) => all + parts.agentLeftMicroUsd(agent), 0);
  const mostMicroUsd = counted === null ? null : Math.min(counted, ownBudgets);
  if (parts.accepted === false)
    problem(
      ['name'],
      'no operator has accepted this definition',
      `./openlegion workflow accept ${definition.name}`,
    );
  if (mostMicroUsd === null)
    problem(['steps'], 'there is no bound on the cost', 'Give a price for the models of its agents.');
  else if (mostMicroUsd > parts.budgetLeftMicroUsd)
    problem(
      ['steps'],
      `it can cost ${dollars(mostMicroUsd)}, and ${dollars(parts.budgetLeftMicroUsd)} are left`,
      'Raise the budget, or lower max_retries and max_items.',
    );
  const waits = definition.steps.map((step) => (step.requires_approval ? step.approval_timeout : 0));
  const seconds = definition.timeout + waits.reduce((all, wait) => all + wait, 0);
  return {
    workflow: definition.name,
    hash,
    steps: planned,
    mostMicroUsd,
    timeoutMs: Math.ceil(seconds * 1000),
    missing,
    unknown: [],
  };
}

/** Who may be given the step: one agent and perhaps its fallback, or everyone with the capability. */
function addresseesOf({ step, topic }: CompiledStep, { agents }: PlanParts): string[] {
  if (topic !== null) return [];
  const capable = [...agents].filter(([, { capabilities }]) => capabilities.includes(step.capability ?? ''));
  const own = step.agent === undefined ? capable.map(([name]) => name) : [step.agent];
  return step.fallback_agent === undefined ? own : [...own, step.fallback_agent];
}

function grantsOf(agent: string, { input, forEach }: CompiledStep, { agents }: PlanParts) {
  const settings = agents.get(agent);
  const given = (list: 'allowed_apis' | 'blackboard_read', key: string) => {
    const patterns: AgentPermissions[typeof list] = settings?.permissions[list] ?? [];
    const granted = patterns.some((pattern) => matchesPattern(pattern, key));
    return granted ? `permissions.${settings?.permissionsRecord}.${list}` : null;
  };
  return [
    { agent, needs: 'allowed_apis: llm', rule: given('allowed_apis', 'llm') },
    ...[input, forEach].flatMap((reference) => {
      const key = reference ? sampleKey(reference) : null;
      return key === null
        ? []
        : [{ agent, needs: `blackboard_read: ${key.shown}`, rule: given('blackboard_read', key.sample) }];
    }),
  ];
}

/** What is not known yet must be covered whatever it will be: it stands as a word that no pattern spells out. */
function sampleKey(reference: Reference): { shown: string; sample: string } | null {
  if (reference.from !== 'blackboard') return null;
  const text = (unknown: string) =>
    reference.key.map((part) => ('literal' in part ? part.literal : unknown)).join('');
  return { shown: text('*'), sample: text('any-word-at-all') };
}

function remedyFor(agent: string, needs: string): string {
  const [list, key] = needs.split(': ');
  return `./openlegion permissions grant ${agent} ${list} '${key}'`;
}

/** Steps whose condition reads nothing and is false, and those that are skipped with them; with the reason. */
function unreachable(steps: ReadonlyMap<string, CompiledStep>): Map<string, string> {
  const never = new Map<string, string>();
  for (const [id, { step, condition, dependsOn }] of steps) {
    const skipped = dependsOn.find((need) => never.has(need));
    const constant = condition?.names.size === 0 ? condition.evaluate(new Map()) : null;
    if (skipped !== undefined && step.on_skipped === 'skip') never.set(id, `${skipped} is always skipped`);
    else if (constant?.ok && !constant.value) never.set(id, 'its condition is always false');
  }
  return never;
}

const entriesOf = ({ step, forEach }: CompiledStep) => (forEach ? step.max_items : 1);

function costOf(to: readonly string[], tasks: number, parts: PlanParts): number | null {
  if (tasks === 0) return 0;
  const each = dearestOf(to.map((agent) => parts.taskBoundMicroUsd(agent)));
  return each === null ? null : each * tasks;
}

function handlerCost(handler: CompiledStep, parts: PlanParts): number | null {
  return handler.topic === null ? costOf(addresseesOf(handler, parts), 1, parts) : 0;
}

function handlersTo(handlers: ReadonlyMap<string, CompiledStep>, parts: PlanParts): string[] {
  return [...handlers.values()].flatMap((handler) => addresseesOf(handler, parts));
}

function dearestOf(costs: readonly (number | null)[]): number | null {
  return costs.reduce((most, cost) => (most === null || cost === null ? null : Math.max(most, cost)), 0);
}

function sum(costs: readonly (number | null)[]): number | null {
  return costs.reduce((all, cost) => (all === null || cost === null ? null : all + cost), 0);
}

function dollars(microUsd: number): string {
  return formatMicroUsd(Math.max(0, microUsd));
}
