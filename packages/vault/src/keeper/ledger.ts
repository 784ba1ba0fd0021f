import type { Costs, Spending } from '@openlegion/contract/costs';
import type {
  BudgetWarning,
  Policy,
  PolicyLimits,
  ReserveRequest,
  SettleRequest,
} from '@openlegion/contract/keeper-protocol';
import { monthOf } from '../process/calendar.ts';
import type { Database, Row } from '../process/database.ts';
import { formatMicroUsd } from '../process/format-micro-usd.ts';
import { overBudget } from '../process/keeper-refusals.ts';
import { listOf, text } from '../process/strict-parser.ts';
import type { VaultError } from '../process/vault-error.ts';
import { type Grant, grantOutput, worstCaseMicroUsd } from './grant.ts';
import type { Account } from './policy.ts';

export interface OpenReservation {
  id: string;
  agent: string;
  traceId: string;
  day: string;
  microUsd: number;
  /** Whose sums it counts in, as the policy was when it was made. */
  scopes: string[];
}

/** A grant that fits, and whether the marks on disk cover it already. */
export interface Admission extends Grant {
  isAssured: boolean;
  /** Where they do not: what they are to become. */
  marks: readonly { scope: string; period: string; microUsd: number }[];
}

export type Usage = Pick<SettleRequest, 'chargedMicroUsd' | 'inputTokens' | 'outputTokens'>;

interface Sum {
  spent: number;
  reserved: number;
  assured: number;
}

interface Limit extends Sum {
  account: Account;
  period: string;
  microUsd: number;
}

export type Ledger = ReturnType<typeof createLedger>;

/**
 * What was spent and what is reserved, in whole micro-dollars, per scope (agent, team, fleet), day and month. A call
 * is counted on the day of its reservation. Every method that writes belongs in a transaction.
 *
 * A power failure can take back transactions that were not forced to disk. So each sum has a mark, always on disk,
 * which spent and reserved together do not pass: a reservation within the marks need not be forced to disk itself,
 * one beyond them raises them first, in its own durable transaction. What may be missing after a power failure is
 * charged up to the mark.
 */
export function createLedger(database: Database) {
  const sumsOf = (scope: string, period: string): Row =>
    database.get('SELECT * FROM tally WHERE period = ? AND scope = ?', period, scope) ?? {};
  const limitsOf = (account: Account, day: string): Limit[] => {
    const limit = (period: string, microUsd: number): Limit => {
      const { spent = 0, reserved = 0, assured = 0 } = sumsOf(account.scope, period);
      const sum = { spent: Number(spent), reserved: Number(reserved), assured: Number(assured) };
      return { account, period, microUsd, ...sum };
    };
    return [limit(day, account.dailyMicroUsd), limit(monthOf(day), account.monthlyMicroUsd)];
  };

  function spending(scope: string, day: string, limits: PolicyLimits): Spending {
    const [today, month] = [sumsOf(scope, day), sumsOf(scope, monthOf(day))];
    return {
      spentTodayMicroUsd: Number(today.spent ?? 0),
      spentMonthMicroUsd: Number(month.spent ?? 0),
      reservedMicroUsd: Number(month.reserved ?? 0),
      dailyMicroUsd: limits.dailyMicroUsd,
      monthlyMicroUsd: limits.monthlyMicroUsd,
      calls: Number(month.calls ?? 0),
      inputTokens: Number(month.input_tokens ?? 0),
      outputTokens: Number(month.output_tokens ?? 0),
    };
  }

  return {
    /** Grants what fits into every limit, without reserving it yet; throws the refusal of the limit with least room. */
    admit(accounts: readonly Account[], call: ReserveRequest, day: string): Admission {
      const limits = accounts.flatMap((account) => limitsOf(account, day));
      const least = limits.reduce((a, b) => (roomIn(b) < roomIn(a) ? b : a));
      const grant = grantOutput(call, roomIn(least));
      if (!grant) throw refusalOf(least, call);
      const isAssured = limits.every(
        ({ spent, reserved, assured }) => spent + reserved + grant.microUsd <= assured,
      );
      return { ...grant, isAssured, marks: isAssured ? [] : limits.map((limit) => markOf(limit, grant)) };
    },
    /** In a durable transaction unless it is assured. */
    reserve({ id, agent, traceId, day, microUsd, scopes }: OpenReservation, { marks }: Admission): void {
      database.run(
        'INSERT INTO reservation (id, agent, trace_id, day, micro_usd, scopes) VALUES (?, ?, ?, ?, ?, ?)',
        ...[id, agent, traceId, day, microUsd, JSON.stringify(scopes)],
      );
      for (const scope of scopes)
        for (const period of [day, monthOf(day)])
          database.run(
            'INSERT INTO tally (scope, period, reserved) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET reserved = reserved + excluded.reserved',
            ...[scope, period, microUsd],
          );
      for (const mark of marks)
        database.run(
          'UPDATE tally SET assured = ? WHERE scope = ? AND period = ?',
          ...[mark.microUsd, mark.scope, mark.period],
        );
      // With marks this transaction is durable, so all of the days before is on disk with it.
      if (marks.length > 0)
        database.run(
          'UPDATE tally SET assured = 0 WHERE assured > 0 AND period NOT IN (?, ?)',
          ...[day, monthOf(day)],
        );
    },
    find(id: string): OpenReservation | null {
      const row = database.get('SELECT * FROM reservation WHERE id = ?', id);
      return row ? reservationOf(row) : null;
    },
    open: (): OpenReservation[] =>
      database.all('SELECT * FROM reservation ORDER BY day, id').map(reservationOf),
    /**
     * Turns a reservation into spending; `chargedMicroUsd` is at most what it reserved. Returns the warnings that are
     * now due, each scope and period once: those of which four fifths are spent.
     */
    close(
      { id, day, microUsd, scopes }: OpenReservation,
      { chargedMicroUsd, inputTokens, outputTokens }: Usage,
      accounts: readonly Account[],
      at: string,
    ): BudgetWarning[] {
      if (database.run('DELETE FROM reservation WHERE id = ?', id) !== 1)
        throw new Error('a reservation was closed twice');
      for (const scope of scopes)
        for (const period of [day, monthOf(day)])
          database.run(
            'UPDATE tally SET reserved = reserved - ?, spent = spent + ?, calls = calls + 1, input_tokens = input_tokens + ?, output_tokens = output_tokens + ? WHERE scope = ? AND period = ?',
            ...[microUsd, chargedMicroUsd, inputTokens, outputTokens, scope, period],
          );
      return accounts
        .filter(({ scope }) => scopes.includes(scope))
        .flatMap((account) => limitsOf(account, day))
        .filter(({ spent, microUsd: limit }) => spent > 0 && spent >= limit - Math.floor(limit / 5))
        .map(({ account, period, spent, microUsd: limit }) => {
          return { scope: account.scope, period, spentMicroUsd: spent, limitMicroUsd: limit, at };
        })
        .filter(
          (warning) =>
            database.run(
              'INSERT OR IGNORE INTO warning VALUES (?, ?, ?, ?, ?)',
              ...Object.values(warning),
            ) === 1,
        );
    },
    warnings: (day: string): BudgetWarning[] =>
      database
        .all('SELECT * FROM warning WHERE period IN (?, ?) ORDER BY at', day, monthOf(day))
        .map((row) => ({
          ...{ scope: String(row.scope), period: String(row.period), at: String(row.at) },
          ...{ spentMicroUsd: Number(row.spent), limitMicroUsd: Number(row.micro_usd) },
        })),
    spent: (agent: string, day: string): number => Number(sumsOf(`agent:${agent}`, day).spent ?? 0),
    /** After a power failure: charges every sum up to its mark, and says which and how much. */
    chargeUnknown(): { scope: string; period: string; chargedMicroUsd: number }[] {
      const unknown = database.all(
        'SELECT scope, period, assured - spent - reserved AS unknown FROM tally WHERE assured > spent + reserved',
      );
      database.run('UPDATE tally SET spent = assured - reserved WHERE assured > spent + reserved');
      return unknown.map((row) => ({
        ...{ scope: String(row.scope), period: String(row.period) },
        chargedMicroUsd: Number(row.unknown),
      }));
    },
    /** Takes all marks back, in a durable transaction: with it everything up to now is on disk. */
    clearMarks: (): void => void database.run('UPDATE tally SET assured = 0 WHERE assured > 0'),
    costs(policy: Policy, day: string): Costs {
      const kept = database.all('SELECT DISTINCT scope FROM tally WHERE period = ?', monthOf(day));
      const all = (kind: 'agent' | 'team', known: readonly (PolicyLimits & { name: string })[]) => {
        const limits = new Map<string, PolicyLimits>();
        for (const { scope } of kept)
          if (String(scope).startsWith(`${kind}:`))
            limits.set(String(scope).slice(kind.length + 1), { dailyMicroUsd: 0, monthlyMicroUsd: 0 });
        for (const one of known) limits.set(one.name, one);
        return Object.fromEntries(
          [...limits].map(([name, own]) => [name, spending(`${kind}:${name}`, day, own)]),
        );
      };
      return {
        ...{ day, month: monthOf(day), timeZone: policy.timeZone },
        fleet: spending('fleet', day, policy.fleet),
        teams: all('team', policy.teams),
        agents: all('agent', policy.agents),
      };
    },
  };
}

function roomIn({ microUsd, spent, reserved }: Limit): number {
  return microUsd - spent - reserved;
}

/**
 * A mark is raised by four more of the same, or by a hundredth of the limit: so much a power failure can cost at
 * most, and so seldom a call waits for the disk. Never above the limit.
 */
function markOf({ account, period, microUsd: limit, spent, reserved }: Limit, { microUsd }: Grant) {
  const step = Math.max(4 * microUsd, Math.floor(limit / 100));
  return { scope: account.scope, period, microUsd: Math.min(limit, spent + reserved + microUsd + step) };
}

function refusalOf({ account, period, microUsd, spent, reserved }: Limit, call: ReserveRequest): VaultError {
  const least = worstCaseMicroUsd(call, Math.min(call.minOutputTokens, call.outputTokens));
  const need = least > Number.MAX_SAFE_INTEGER ? 'more than can be counted' : formatMicroUsd(Number(least));
  const sums = `${formatMicroUsd(microUsd)}: ${formatMicroUsd(spent)} is spent, ${formatMicroUsd(reserved)} is reserved for calls under way, and this call could cost ${need}`;
  return overBudget(account.whose, period, sums, account.rule, account.setting);
}

function reservationOf(row: Row): OpenReservation {
  return {
    ...{ id: String(row.id), agent: String(row.agent), traceId: String(row.trace_id) },
    ...{ day: String(row.day), microUsd: Number(row.micro_usd) },
    scopes: listOf(text(100), 100)(JSON.parse(String(row.scopes)), 'scopes'),
  };
}
