import type { Policy, PolicyAgent, PolicyLimits } from '@openlegion/contract/keeper-protocol';

/** One whose daily and monthly limit a call must fit into, and how it is called in refusals. */
export interface Account extends PolicyLimits {
  scope: string;
  /** Before `budget.daily` in the name of the rule. */
  rule: string;
  whose: string;
  setting: string;
}

/** Whose limits the calls of the first in `line` count against: its own, its parents', all their teams', the fleet's. */
export function accountsOf({ teams, fleet }: Policy, line: readonly PolicyAgent[]): Account[] {
  const account = (of: PolicyLimits, scope: string, rule: string, whose: string, setting: string) => {
    const { dailyMicroUsd, monthlyMicroUsd } = of;
    return { dailyMicroUsd, monthlyMicroUsd, scope, rule, whose, setting };
  };
  return [
    ...line.map((agent, index) => {
      const { name } = agent;
      const setting = `agents.${name}.budget in config/agents.yaml`;
      return account(agent, `agent:${name}`, index === 0 ? '' : `agents.${name}.`, `${name}'s`, setting);
    }),
    ...teams
      .filter((team) => line.some((agent) => agent.team === team.name))
      .map((team) => {
        const { name } = team;
        const setting = `teams.${name}.budget in config/mesh.yaml`;
        return account(team, `team:${name}`, `teams.${name}.`, `team ${name}'s`, setting);
      }),
    account(fleet, 'fleet', 'fleet.', "the fleet's", 'budget in config/mesh.yaml'),
  ];
}
