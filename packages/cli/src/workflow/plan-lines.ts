import { formatMicroUsd } from '@openlegion/contract/money';
import type { WorkflowPlan } from '@openlegion/contract/workflow-run';
import { formatTable } from '../terminal/table.ts';

/** What a run would need: the graph, the grants, and what it can cost at most. */
export function planLines({ workflow, hash, steps, mostMicroUsd, timeoutMs }: WorkflowPlan): string[] {
  const cost = (micro: number | null) => (micro === null ? 'no bound' : formatMicroUsd(micro));
  const table = formatTable([
    ['STEP', 'AFTER', 'TO', 'TASKS', 'COST'],
    ...steps.map(({ id, dependsOn, to, mostTasks, mostMicroUsd: most, reachable }) => [
      id,
      dependsOn.join(', ') || '-',
      to.join(' or ') || '-',
      reachable ? `≤ ${mostTasks}` : 'never',
      `≤ ${cost(most)}`,
    ]),
  ]);
  const grants = steps.flatMap((step) =>
    step.grants.map(({ agent, needs, rule }) => [step.id, agent, needs, rule ?? 'MISSING']),
  );
  return [
    `${workflow} (${hash})`,
    '',
    ...table.split('\n'),
    '',
    ...formatTable([['STEP', 'AGENT', 'NEEDS', 'GIVEN BY'], ...grants]).split('\n'),
    '',
    `At most ${cost(mostMicroUsd)}, with every retry and entry and what the agents’ budgets leave, and ${Math.ceil(timeoutMs / 1000)} s.`,
  ];
}
