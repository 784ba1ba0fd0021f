import type { CatalogProvider, Price } from '@openlegion/contract/catalog';
import type { Costs, Spending } from '@openlegion/contract/costs';
import { findModel } from '@openlegion/contract/find-model';
import type { FleetConfig } from '../config/fleet-config.ts';
import { policyOf } from '../vault/vault-policy.ts';
import type { LoadedWorkflow } from './load-workflows.ts';
import type { PlanParts } from './plan-workflow.ts';

/** Model calls that our loop makes in one task at most. */
const CALLS_OF_A_TASK = 20;
const PER_MILLION = 1_000_000;

/** What a plan is made from, beside the definition: the configuration, and what is known besides. */
export function planParts(
  { workflow }: LoadedWorkflow,
  config: FleetConfig,
  known: { costs: Costs; providers: readonly CatalogProvider[]; accepted: boolean | null },
): PlanParts {
  const { costs, providers, accepted } = known;
  const named = workflow.definition.steps.flatMap(({ agent, fallback_agent }) => [agent, fallback_agent]);
  const involved = new Set(named.map((name) => name ?? ''));
  const hasApprover = config.mesh.approvals.approvers.length > 0;
  return {
    ...{ agents: config.agents, accepted, hasApprover },
    ...planMoney(config, costs, providers, involved),
  };
}

/** The limits of a fleet that has spent nothing. */
export function unspent(config: FleetConfig): Costs {
  const { fleet, teams, timeZone } = policyOf(config);
  const nothing = {
    ...{ spentTodayMicroUsd: 0, spentMonthMicroUsd: 0, reservedMicroUsd: 0 },
    ...{ calls: 0, inputTokens: 0, outputTokens: 0 },
  };
  return {
    ...{ day: '', month: '', timeZone, fleet: { ...fleet, ...nothing }, agents: {} },
    teams: Object.fromEntries(teams.map(({ name, ...limits }) => [name, { ...limits, ...nothing }])),
  };
}

/** What a plan needs to know of money: the models' prices, and what is left of each budget. */
function planMoney(
  { agents, mesh }: Pick<FleetConfig, 'agents' | 'mesh'>,
  costs: Costs,
  providers: readonly CatalogProvider[],
  involved: ReadonlySet<string>,
): Pick<PlanParts, 'taskBoundMicroUsd' | 'leastCallMicroUsd' | 'agentLeftMicroUsd' | 'budgetLeftMicroUsd'> {
  const own = new Map(Object.entries(costs.agents));
  const teams = new Map(Object.entries(costs.teams));
  const outputTokens = mesh.llm.max_tokens;

  /** One call of each model of the agent's chain: any of them may be the one that answers. */
  function callsOf(agent: string, inputTokens: (contextTokens: number) => number): number[] | null {
    const found = (agents.get(agent)?.models ?? []).map((name) => findModel(name, providers));
    const priced = found.flatMap((lookup) => (lookup.ok ? [lookup.found.model] : []));
    if (priced.length === 0) return null;
    return priced.map(({ contextTokens, maxOutputTokens, price }) => {
      const output = Math.min(outputTokens, maxOutputTokens);
      const { input: perInput, output: perOutput } = dearest(price);
      return Math.ceil((inputTokens(contextTokens) * perInput + output * perOutput) / PER_MILLION);
    });
  }

  const scopes = [...involved].flatMap((name) => {
    const spending = teams.get(agents.get(name)?.team ?? '');
    return spending ? [spending] : [];
  });
  return {
    taskBoundMicroUsd(agent) {
      const calls = callsOf(agent, (contextTokens) => contextTokens);
      return calls === null ? null : CALLS_OF_A_TASK * Math.max(...calls);
    },
    leastCallMicroUsd: (agent) => callsOf(agent, () => 0)?.[0] ?? 0,
    agentLeftMicroUsd(agent) {
      const spending = own.get(agent);
      if (spending) return leftOf(spending);
      // It has not spent anything yet.
      const limits = agents.get(agent)?.budget;
      return limits ? Math.min(limits.daily_usd, limits.monthly_usd) : 0;
    },
    budgetLeftMicroUsd: Math.min(leftOf(costs.fleet), ...scopes.map(leftOf)),
  };
}

function leftOf(spending: Spending): number {
  const { dailyMicroUsd, spentTodayMicroUsd, monthlyMicroUsd, spentMonthMicroUsd, reservedMicroUsd } =
    spending;
  const left = Math.min(dailyMicroUsd - spentTodayMicroUsd, monthlyMicroUsd - spentMonthMicroUsd);
  return Math.max(0, left - reservedMicroUsd);
}

/** The dearest class of token and the dearest tier, as a reservation is made. */
function dearest(price: Price): { input: number; output: number } {
  const tiers = [price, ...(price.tiers ?? [])];
  return {
    input: Math.max(
      ...tiers.flatMap(({ input, cacheRead = 0, cacheWrite = 0 }) => [input, cacheRead, cacheWrite]),
    ),
    output: Math.max(...tiers.map(({ output }) => output)),
  };
}
