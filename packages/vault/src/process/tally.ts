import type { Costs, Spending } from '@openlegion/contract/costs';
import type { BudgetWarning, Policy, PolicyLimits } from '@openlegion/contract/keeper-protocol';
import { monthOf } from './calendar.ts';
import type { Database } from './database.ts';

/** One scope's sums of one day or month, in micro-dollars. */
export interface Sums {
  spent: number;
  reserved: number;
  /** What is on disk as the most that spent and reserved can be together. */
  assured: number;
  calls: number;
  inputTokens: number;
  outputTokens: number;
}

/** Zero where there are none yet. */
export function readSums(database: Database, scope: string, period: string): Sums {
  const row = database.get('SELECT * FROM tally WHERE period = ? AND scope = ?', period, scope);
  return {
    spent: Number(row?.spent ?? 0),
    reserved: Number(row?.reserved ?? 0),
    assured: Number(row?.assured ?? 0),
    calls: Number(row?.calls ?? 0),
    inputTokens: Number(row?.input_tokens ?? 0),
    outputTokens: Number(row?.output_tokens ?? 0),
  };
}

/** Remembers what it has read; whoever writes to the table writes to these as well, or forgets them. */
export function createRememberedSums(database: Database) {
  const remembered = new Map<string, Sums>();
  let undone = database.undone();

  return {
    of(scope: string, period: string): Sums {
      if (undone !== database.undone() || remembered.size > MOST_REMEMBERED) remembered.clear();
      undone = database.undone();
      const key = `${period} ${scope}`;
      const sums = remembered.get(key) ?? readSums(database, scope, period);
      remembered.set(key, sums);
      return sums;
    },
    forget: (): void => remembered.clear(),
  };
}

const MOST_REMEMBERED = 10_000;

/** The ledger as a person reads it: everyone of the policy, and who is not in it any more but spent this month. */
export function readCosts(database: Database, policy: Policy, day: string): Costs {
  const month = monthOf(day);
  const kept = database
    .all('SELECT DISTINCT scope FROM tally WHERE period = ?', month)
    .map(({ scope }) => String(scope));

  function spending(scope: string, { dailyMicroUsd, monthlyMicroUsd }: PolicyLimits): Spending {
    const { spent, reserved, assured: _, ...counts } = readSums(database, scope, month);
    const today = readSums(database, scope, day);
    const sums = { spentTodayMicroUsd: today.spent, spentMonthMicroUsd: spent, reservedMicroUsd: reserved };
    return { ...sums, dailyMicroUsd, monthlyMicroUsd, ...counts };
  }

  function all(kind: 'agent:' | 'team:', known: readonly (PolicyLimits & { name: string })[]) {
    const limits = new Map<string, PolicyLimits>();
    for (const scope of kept)
      if (scope.startsWith(kind))
        limits.set(scope.slice(kind.length), { dailyMicroUsd: 0, monthlyMicroUsd: 0 });
    for (const one of known) limits.set(one.name, one);
    return Object.fromEntries([...limits].map(([name, own]) => [name, spending(kind + name, own)]));
  }

  const fleet = spending('fleet', policy.fleet);
  const [teams, agents] = [all('team:', policy.teams), all('agent:', policy.agents)];
  return { day, month, timeZone: policy.timeZone, fleet, teams, agents };
}

export function readWarnings(database: Database, day: string): BudgetWarning[] {
  return database
    .all('SELECT * FROM warning WHERE period IN (?, ?) ORDER BY at', day, monthOf(day))
    .map(({ scope, period, spent, micro_usd, at }) => ({
      scope: String(scope),
      period: String(period),
      spentMicroUsd: Number(spent),
      limitMicroUsd: Number(micro_usd),
      at: String(at),
    }));
}
