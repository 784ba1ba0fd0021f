import type { BudgetWarning } from '@openlegion/contract/costs';
import type { ReserveRequest } from '@openlegion/contract/keeper-protocol';
import type { Account } from '../process/budget-accounts.ts';
import { monthOf } from '../process/calendar.ts';
import type { Database, Row } from '../process/database.ts';
import { overBudget } from '../process/keeper-refusals.ts';
import { listOf, text } from '../process/strict-parser.ts';
import { createTally, type MoneySums, type Usage } from '../process/tally.ts';
import { type Grant, grantOutput, worstCaseMicroUsd } from './grant.ts';

export interface OpenReservation {
  id: string;
  agent: string;
  traceId: string;
  day: string;
  microUsd: number;
  /** Whose sums it counts in, as the policy was when it was made. */
  scopes: string[];
}

/** A grant that fits, and what the marks must become before it is used; none where those on disk cover it already. */
export interface Admission extends Grant {
  marks: readonly { scope: string; period: string; microUsd: number }[];
}

interface Limit extends MoneySums {
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
  const tally = createTally(database);

  function limitsOf(account: Account, day: string): Limit[] {
    const limit = (period: string, microUsd: number): Limit => {
      return { account, period, microUsd, ...tally.sumsOf(account.scope, period) };
    };
    return [limit(day, account.dailyMicroUsd), limit(monthOf(day), account.monthlyMicroUsd)];
  }

  return {
    /** Grants what fits into every limit, without reserving it yet; throws the refusal of the limit with least room. */
    admit(accounts: readonly Account[], call: ReserveRequest, day: string): Admission {
      const limits = accounts.flatMap((account) => limitsOf(account, day));
      const least = limits.reduce((a, b) => (roomIn(b) < roomIn(a) ? b : a));
      const grant = grantOutput(call, roomIn(least));
      if (!grant) {
        const need = worstCaseMicroUsd(call, Math.min(call.minOutputTokens, call.outputTokens));
        throw overBudget(least.account, least, need);
      }
      const isAssured = limits.every(
        ({ spent, reserved, assured }) => spent + reserved + grant.microUsd <= assured,
      );
      return { ...grant, marks: isAssured ? [] : limits.map((limit) => markOf(limit, grant)) };
    },
    /** In a durable transaction where there are marks. */
    reserve({ id, agent, traceId, day, microUsd, scopes }: OpenReservation, { marks }: Admission): void {
      const reserved = [id, agent, traceId, day, microUsd, JSON.stringify(scopes)];
      database.run(
        'INSERT INTO reservation (id, agent, trace_id, day, micro_usd, scopes) VALUES (?, ?, ?, ?, ?, ?)',
        ...reserved,
      );
      for (const scope of scopes)
        for (const period of [day, monthOf(day)]) tally.reserve(scope, period, microUsd);
      for (const mark of marks) tally.assure(mark.scope, mark.period, mark.microUsd);
      // All of the days before is on disk with this transaction, when it is a durable one.
      if (marks.length > 0) tally.clearMarks(day, monthOf(day));
    },
    find(id: string): OpenReservation | null {
      const row = database.get('SELECT * FROM reservation WHERE id = ?', id);
      return row ? reservationOf(row) : null;
    },
    open: () => database.all('SELECT * FROM reservation ORDER BY day, id').map(reservationOf),
    /**
     * Turns a reservation into spending; `chargedMicroUsd` is at most what it reserved. Returns the warnings that are
     * now due, each scope and period once: those of which four fifths are spent.
     */
    close(reservation: OpenReservation, usage: Usage, accounts: readonly Account[], at: string) {
      const { id, day, microUsd, scopes } = reservation;
      if (database.run('DELETE FROM reservation WHERE id = ?', id) !== 1)
        throw new Error('a reservation was closed twice');
      const warn = 'INSERT OR IGNORE INTO warning VALUES (?, ?, ?, ?, ?)';
      const warnings: BudgetWarning[] = [];
      for (const scope of scopes)
        for (const period of [day, monthOf(day)]) {
          const spentMicroUsd = tally.settle(scope, period, microUsd, usage);
          const account = accounts.find((one) => one.scope === scope);
          const limitMicroUsd = (period === day ? account?.dailyMicroUsd : account?.monthlyMicroUsd) ?? 0;
          if (limitMicroUsd === 0 || spentMicroUsd < limitMicroUsd - Math.floor(limitMicroUsd / 5)) continue;
          if (database.run(warn, scope, period, spentMicroUsd, limitMicroUsd, at) === 1)
            warnings.push({ scope, period, spentMicroUsd, limitMicroUsd, at });
        }
      return warnings;
    },
    spent: (agent: string, day: string): number => tally.sumsOf(`agent:${agent}`, day).spent,
    /** After a power failure: charges every sum up to its mark, and says which and how much. */
    chargeUnknown: () => tally.chargeToMarks(),
    /** Takes all marks back, in a durable transaction: with it everything up to now is on disk. */
    clearMarks: () => tally.clearMarks(),
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

function reservationOf(row: Row): OpenReservation {
  const [id, agent, traceId, day] = [row.id, row.agent, row.trace_id, row.day].map(String);
  const scopes = listOf(text(100), 100)(JSON.parse(String(row.scopes)), 'scopes');
  if (!id || !agent || traceId === undefined || !day) throw new Error('a reservation without its columns');
  return { id, agent, traceId, day, microUsd: Number(row.micro_usd), scopes };
}
