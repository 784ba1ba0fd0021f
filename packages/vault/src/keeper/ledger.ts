import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Costs, Spending } from '@openlegion/contract/costs';
import type { Policy, PolicyAgent, SettleRequest } from '@openlegion/contract/keeper-protocol';
import type { Refusal } from '@openlegion/contract/refusal';
import { monthOf } from '../process/calendar.ts';
import { formatMicroUsd } from './format-micro-usd.ts';
import { type CallBounds, type Grant, grantOutput, worstCaseMicroUsd } from './grant.ts';

export interface OpenReservation {
  id: string;
  agent: string;
  traceId: string;
  day: string;
  microUsd: number;
}

/** A grant that fits, and whether the marks on disk cover it already. */
export interface Admission extends Grant {
  isAssured: boolean;
  /** Where they do not: what they are to become. */
  marks: readonly { scope: string; period: string; microUsd: number }[];
}

export interface Unknown {
  scope: string;
  period: string;
  chargedMicroUsd: number;
}

export type Usage = Pick<SettleRequest, 'chargedMicroUsd' | 'inputTokens' | 'outputTokens'>;

/** One limit that a call must fit into. */
interface Limit {
  rule: string;
  whose: string;
  setting: string;
  scope: string;
  period: string;
  microUsd: number;
}

/**
 * What was spent and what is reserved, in whole micro-dollars, per day and month. A call is counted on the day of
 * its reservation. Every method that writes belongs in a transaction.
 *
 * A power failure can take back transactions that were not forced to disk. So each sum has a mark, always on disk,
 * which spent and reserved together do not pass: a reservation within the marks need not be forced to disk itself,
 * one beyond them raises them first, in its own durable transaction. What may be missing after a power failure is
 * charged up to the mark.
 */
export interface Ledger {
  /** Grants what fits into every limit, without reserving it yet, or refuses and names the limit with least room. */
  admit(policy: Policy, agent: PolicyAgent, bounds: CallBounds, day: string): Admission | Refusal;
  /** In a durable transaction unless it is assured. */
  reserve(reservation: OpenReservation, admission: Admission): void;
  find(id: string): OpenReservation | null;
  open(): OpenReservation[];
  /** Turns a reservation into spending. `chargedMicroUsd` is at most what it reserved. */
  close(reservation: OpenReservation, usage: Usage): void;
  spent(agent: string, day: string): number;
  /** After a power failure: charges every sum up to its mark, and says which and how much. */
  chargeUnknown(): Unknown[];
  /** Takes all marks back, in a durable transaction: with it everything up to now is on disk. */
  clearMarks(): void;
  costs(policy: Policy, day: string): Costs;
}

export function createLedger(database: DatabaseSync): Ledger {
  const insert = database.prepare(
    'INSERT INTO reservation (id, agent, trace_id, day, micro_usd) VALUES (?, ?, ?, ?, ?)',
  );
  const select = database.prepare('SELECT * FROM reservation WHERE id = ?');
  const selectAll = database.prepare('SELECT * FROM reservation ORDER BY day, id');
  const drop = database.prepare('DELETE FROM reservation WHERE id = ?');
  const sum = database.prepare('SELECT * FROM tally WHERE period = ? AND scope = ?');
  const room = database.prepare('SELECT spent, reserved, assured FROM tally WHERE period = ? AND scope = ?');
  const scopes = database.prepare('SELECT DISTINCT scope FROM tally WHERE period = ?');
  const add = database.prepare(
    'INSERT INTO tally (scope, period, reserved) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET reserved = reserved + excluded.reserved',
  );
  const raise = database.prepare('UPDATE tally SET assured = ? WHERE scope = ? AND period = ?');
  const marked = database.prepare(
    'SELECT scope, period, assured - spent - reserved AS unknown FROM tally WHERE assured > 0',
  );
  const chargeToMark = database.prepare('UPDATE tally SET spent = spent + ? WHERE scope = ? AND period = ?');
  const clear = database.prepare('UPDATE tally SET assured = 0 WHERE assured > 0 AND period NOT IN (?, ?)');
  const move = database.prepare(
    'UPDATE tally SET reserved = reserved - ?, spent = spent + ?, calls = calls + 1, input_tokens = input_tokens + ?, output_tokens = output_tokens + ? WHERE scope = ? AND period = ?',
  );

  const figure = (scope: string, period: string, column: string) =>
    Number(sum.get(period, scope)?.[column] ?? 0);

  function spending(scope: string, day: string, limits: Policy['fleet']): Spending {
    const month = monthOf(day);
    return {
      spentTodayMicroUsd: figure(scope, day, 'spent'),
      spentMonthMicroUsd: figure(scope, month, 'spent'),
      reservedMicroUsd: figure(scope, month, 'reserved'),
      dailyMicroUsd: limits.dailyMicroUsd,
      monthlyMicroUsd: limits.monthlyMicroUsd,
      calls: figure(scope, month, 'calls'),
      inputTokens: figure(scope, month, 'input_tokens'),
      outputTokens: figure(scope, month, 'output_tokens'),
    };
  }

  return {
    admit(policy, agent, bounds, day) {
      const rooms = limitsOf(policy, agent, day).map((limit) => {
        const row = room.get(limit.period, limit.scope);
        const spent = Number(row?.spent ?? 0);
        const reserved = Number(row?.reserved ?? 0);
        const assured = Number(row?.assured ?? 0);
        return { limit, spent, reserved, assured, room: limit.microUsd - spent - reserved };
      });
      const least = rooms.reduce((a, b) => (b.room < a.room ? b : a));
      const granted = grantOutput(bounds, least.room);
      if (!granted) return overBudget(least.limit, least.spent, least.reserved, bounds);
      const { microUsd } = granted;
      const isAssured = rooms.every(({ spent, reserved, assured }) => spent + reserved + microUsd <= assured);
      const marks = isAssured ? [] : rooms.map((room) => markOf(room, microUsd));
      return { ...granted, isAssured, marks };
    },
    reserve({ id, agent, traceId, day, microUsd }, { marks }) {
      insert.run(id, agent, traceId, day, microUsd);
      for (const scope of scopesOf(agent))
        for (const period of [day, monthOf(day)]) add.run(scope, period, microUsd);
      if (marks.length === 0) return;
      for (const mark of marks) raise.run(mark.microUsd, mark.scope, mark.period);
      // This transaction is durable, so all of the days before is on disk with it.
      clear.run(day, monthOf(day));
    },
    find(id) {
      const row = select.get(id);
      return row ? reservationOf(row) : null;
    },
    open: () => selectAll.all().map(reservationOf),
    close({ id, agent, day, microUsd }, { chargedMicroUsd, inputTokens, outputTokens }) {
      if (drop.run(id).changes !== 1) throw new Error('a reservation was closed twice');
      for (const scope of scopesOf(agent))
        for (const period of [day, monthOf(day)])
          move.run(microUsd, chargedMicroUsd, inputTokens, outputTokens, scope, period);
    },
    chargeUnknown() {
      return marked.all().flatMap((row) => {
        const charged = {
          scope: String(row.scope),
          period: String(row.period),
          chargedMicroUsd: Number(row.unknown),
        };
        if (charged.chargedMicroUsd <= 0) return [];
        chargeToMark.run(charged.chargedMicroUsd, charged.scope, charged.period);
        return [charged];
      });
    },
    clearMarks: () => void clear.run('', ''),
    spent: (agent, day) => figure(`agent:${agent}`, day, 'spent'),
    costs(policy, day) {
      const month = monthOf(day);
      const limits = new Map<string, Policy['fleet']>();
      for (const { scope } of scopes.all(month))
        if (scope !== FLEET)
          limits.set(String(scope).slice('agent:'.length), { dailyMicroUsd: 0, monthlyMicroUsd: 0 });
      for (const agent of policy.agents) limits.set(agent.name, agent);
      const agents = [...limits].map(([name, own]) => [name, spending(`agent:${name}`, day, own)] as const);
      const fleet = spending(FLEET, day, policy.fleet);
      return { day, month, timeZone: policy.timeZone, fleet, teams: {}, agents: Object.fromEntries(agents) };
    },
  };
}

const FLEET = 'fleet';

/** Whose sums a call counts in. A team's limits, once policies have them, are one more scope here and in `limitsOf`. */
function scopesOf(agent: string): string[] {
  return [`agent:${agent}`, FLEET];
}

function limitsOf(policy: Policy, agent: PolicyAgent, day: string): Limit[] {
  const own = { whose: `${agent.name}'s`, setting: `agents.${agent.name}.budget in config/agents.yaml` };
  const fleet = { whose: "the fleet's", setting: 'budget in config/mesh.yaml', scope: FLEET };
  const month = monthOf(day);
  const scope = `agent:${agent.name}`;
  return [
    { ...own, scope, rule: 'budget.daily', period: day, microUsd: agent.dailyMicroUsd },
    { ...own, scope, rule: 'budget.monthly', period: month, microUsd: agent.monthlyMicroUsd },
    { ...fleet, rule: 'fleet.budget.daily', period: day, microUsd: policy.fleet.dailyMicroUsd },
    { ...fleet, rule: 'fleet.budget.monthly', period: month, microUsd: policy.fleet.monthlyMicroUsd },
  ];
}

/**
 * A mark is raised by four more of the same, or by a hundredth of the limit: so much a power failure can cost at
 * most, and so seldom a call waits for the disk. Never above the limit.
 */
function markOf(
  { limit, spent, reserved }: { limit: Limit; spent: number; reserved: number },
  microUsd: number,
): { scope: string; period: string; microUsd: number } {
  const { scope, period } = limit;
  const step = Math.max(4 * microUsd, Math.floor(limit.microUsd / 100));
  return { scope, period, microUsd: Math.min(limit.microUsd, spent + reserved + microUsd + step) };
}

function overBudget(limit: Limit, spent: number, reserved: number, bounds: CallBounds): Refusal {
  const daily = limit.rule.endsWith('daily');
  const least = worstCaseMicroUsd(bounds, Math.min(bounds.minOutputTokens, bounds.outputTokens));
  const need =
    least > BigInt(Number.MAX_SAFE_INTEGER) ? 'more than can be counted' : formatMicroUsd(Number(least));
  return {
    code: 'budget_exceeded',
    rule: limit.rule,
    message: `Over ${limit.whose} ${daily ? 'daily' : 'monthly'} budget of ${formatMicroUsd(limit.microUsd)}: ${formatMicroUsd(spent)} is spent, ${formatMicroUsd(reserved)} is reserved for calls under way, and this call could cost ${need}.`,
    remedy: `Raise ${limit.setting}, or wait until ${limit.period} is over.`,
  };
}

function reservationOf(row: Record<string, SQLOutputValue>): OpenReservation {
  return {
    id: String(row.id),
    agent: String(row.agent),
    traceId: String(row.trace_id),
    day: String(row.day),
    microUsd: Number(row.micro_usd),
  };
}
