import type { Costs } from '@openlegion/contract/costs';
import type { Introspection } from '@openlegion/contract/mesh-api';
import type { AgentSettings } from '../config/fleet-config.ts';

type Spending = Costs['fleet'];

/** What an agent is told of itself: its grants, and what it, its team and the fleet may still spend. */
export function introspect({ name, permissions, budget, team }: AgentSettings, costs: Costs): Introspection {
  const own = costs.agents[name];
  const ofTeam = team === undefined ? undefined : costs.teams[team];
  return {
    name,
    permissions: { ...permissions },
    budget: {
      dailyMicroUsd: budget.daily_usd,
      monthlyMicroUsd: budget.monthly_usd,
      spentTodayMicroUsd: own?.spentTodayMicroUsd ?? 0,
      spentMonthMicroUsd: own?.spentMonthMicroUsd ?? 0,
      ...(own
        ? remaining(own)
        : { remainingTodayMicroUsd: budget.daily_usd, remainingMonthMicroUsd: budget.monthly_usd }),
      requestsPerMinute: budget.requests_per_minute ?? null,
      tokensPerMinute: budget.tokens_per_minute ?? null,
      team: ofTeam ? remaining(ofTeam) : null,
      fleet: remaining(costs.fleet),
    },
  };
}

function remaining(spending: Spending) {
  const { dailyMicroUsd, monthlyMicroUsd, spentTodayMicroUsd, spentMonthMicroUsd, reservedMicroUsd } =
    spending;
  return {
    remainingTodayMicroUsd: Math.max(0, dailyMicroUsd - spentTodayMicroUsd - reservedMicroUsd),
    remainingMonthMicroUsd: Math.max(0, monthlyMicroUsd - spentMonthMicroUsd - reservedMicroUsd),
  };
}
