import type { BudgetWarning, Costs, Spending } from '@openlegion/contract/costs';
import type { Policy, PolicyLimits, SettleRequest } from '@openlegion/contract/keeper-protocol';
import { monthOf } from './calendar.ts';
import type { Database } from './database.ts';

export type Usage = Pick<SettleRequest, 'chargedMicroUsd' | 'inputTokens' | 'outputTokens'>;

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

/** What admission depends on. */
export type MoneySums = Pick<Sums, 'spent' | 'reserved' | 'assured'>;

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

/** The table of sums. What was read of it is remembered, and changed with it, until anything is undone. */
export function createTally(database: Database) {
  const remembered = new Map<string, MoneySums>();
  let undone = database.undone();

  function sumsOf(scope: string, period: string): MoneySums {
    if (undone !== database.undone() || remembered.size > MOST_REMEMBERED) remembered.clear();
    undone = database.undone();
    const key = `${period} ${scope}`;
    const sums = remembered.get(key) ?? readSums(database, scope, period);
    remembered.set(key, sums);
    return sums;
  }

  return {
    sumsOf,
    reserve(scope: string, period: string, microUsd: number): void {
      const sums = sumsOf(scope, period);
      const add =
        'INSERT INTO tally (scope, period, reserved) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET reserved = reserved + excluded.reserved';
      database.run(add, scope, period, microUsd);
      sums.reserved += microUsd;
    },
    /** Turns what was reserved for one call into what it was charged; returns all that is now spent. */
    settle(scope: string, period: string, reserved: number, usage: Usage): number {
      const sums = sumsOf(scope, period);
      const { chargedMicroUsd, inputTokens, outputTokens } = usage;
      const move =
        'UPDATE tally SET reserved = reserved - ?, spent = spent + ?, calls = calls + 1, input_tokens = input_tokens + ?, output_tokens = output_tokens + ? WHERE scope = ? AND period = ?';
      database.run(move, reserved, chargedMicroUsd, inputTokens, outputTokens, scope, period);
      sums.reserved -= reserved;
      sums.spent += chargedMicroUsd;
      return sums.spent;
    },
    assure(scope: string, period: string, microUsd: number): void {
      database.run('UPDATE tally SET assured = ? WHERE scope = ? AND period = ?', microUsd, scope, period);
      remembered.clear();
    },
    /** Takes the marks of all other periods back. */
    clearMarks(...kept: [] | [day: string, month: string]): void {
      const clear = 'UPDATE tally SET assured = 0 WHERE assured > 0 AND period NOT IN (?, ?)';
      database.run(clear, ...(kept.length === 0 ? ['', ''] : kept));
      remembered.clear();
    },
    /** Charges every sum up to its mark, and says which and how much. */
    chargeToMarks(): { scope: string; period: string; chargedMicroUsd: number }[] {
      const unknown = database.all(
        'SELECT scope, period, assured - spent - reserved AS unknown FROM tally WHERE assured > spent + reserved',
      );
      database.run('UPDATE tally SET spent = assured - reserved WHERE assured > spent + reserved');
      remembered.clear();
      return unknown.map((row) => {
        const chargedMicroUsd = Number(row.unknown);
        return { scope: String(row.scope), period: String(row.period), chargedMicroUsd };
      });
    },
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
