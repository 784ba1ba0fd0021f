import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { test } from 'node:test';
import type { AuditRecord } from '@openlegion/contract/audit-record';
import type { BudgetWarning, Costs } from '@openlegion/contract/costs';
import type { Policy, PolicyLimits, ReserveAnswer } from '@openlegion/contract/keeper-protocol';
import fc from 'fast-check';
import {
  answered,
  ask,
  cents,
  openKeeper,
  policyFor,
  reserveRequest,
  settleRequest,
  temporaryDirectory,
} from './test/open-keeper.ts';
import { openRaw, result } from './test/raw-connection.ts';
import { startKeeper } from './test/start-keeper.ts';

const RUNS = Number(process.env.OPENLEGION_RUNS ?? 0);
const HOUR_MS = 3_600_000;
/** 29 November, noon; days are Kathmandu's, which begin at 18:15 in UTC. */
const START_MS = Date.UTC(2026, 10, 29, 12);
const ZONE = 'Asia/Kathmandu';
const ZONE_MS = 5.75 * HOUR_MS;

const limits = (daily: number, monthly: number) => ({ daily, monthly });

/** `grand` spends for `child`, which spends for `lead`; and what may become of them while calls are under way. */
const POLICIES: Policy[] = [
  {
    ...policyFor(
      {
        lead: { ...limits(1500, 3000), team: 'sales' },
        child: { ...limits(1200, 2500), parent: 'lead' },
        grand: { ...limits(900, 5000), parent: 'child', team: 'ops' },
        solo: { ...limits(800, 1500), team: 'sales' },
      },
      limits(2600, 4500),
      ZONE,
    ),
    teams: [
      { name: 'sales', ...cents(2000, 3500) },
      { name: 'ops', ...cents(700, 9000) },
    ],
  },
  {
    ...policyFor(
      {
        lead: { ...limits(1000, 3000) },
        child: { ...limits(1200, 2000), team: 'sales' },
        grand: { ...limits(900, 5000), parent: 'lead' },
        solo: { ...limits(800, 1500), parent: 'grand' },
      },
      limits(2600, 4000),
      ZONE,
    ),
    teams: [{ name: 'sales', ...cents(1500, 3000) }],
  },
];
const AGENTS = ['lead', 'child', 'grand', 'solo'];

const call = fc.record({
  agent: fc.constantFrom(...AGENTS),
  connection: fc.nat(2),
  input: fc.nat(400),
  tokens: fc.nat(500),
  min: fc.nat(100),
  price: fc.nat(2_000_000),
});
/** Share of the reservation that is charged, in percent; above 100 the gateway has lied. */
const share = fc.oneof(fc.nat(100), fc.constantFrom(0, 100, 120));
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('calls' as const),
      calls: fc.array(call, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      pick: fc.nat(9),
      connection: fc.nat(2),
      share,
    }),
  },
  // A model that fails after some tokens, then a dearer one; the last attempt stays open.
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('failover' as const),
      call,
      shares: fc.array(share, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), connection: fc.nat(2) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('later' as const), hours: fc.integer({ min: 1, max: 30 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ do: 'kill' as const }, { do: 'reopen' as const }, { do: 'policy' as const }),
  },
);

interface Charged {
  scopes: string[];
  day: string;
  micro: number;
}

interface Open extends Charged {
  id: string;
  agent: string;
  connection: number;
}

/** What each scope may spend, and whose sums an agent's calls count in: written down again, not taken from the code. */
function model(policy: Policy) {
  const limitOf = new Map<string, PolicyLimits>([['fleet', policy.fleet]]);
  for (const team of policy.teams) limitOf.set(`team:${team.name}`, team);
  for (const agent of policy.agents) limitOf.set(`agent:${agent.name}`, agent);
  const scopesOf = (name: string): string[] => {
    const scopes = new Set(['fleet']);
    let agent = policy.agents.find((one) => one.name === name);
    while (agent) {
      scopes.add(`agent:${agent.name}`);
      if (agent.team !== null && limitOf.has(`team:${agent.team}`)) scopes.add(`team:${agent.team}`);
      const { parent } = agent;
      agent = policy.agents.find((one) => one.name === parent);
    }
    return [...scopes];
  };
  return { limitOf, scopesOf };
}

test('over any schedule of calls, failovers, aborts, crashes, policies and days no limit is passed and every sum is exact', () => {
  let [admitted, refused, kills] = [0, 0, 0];
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 30 }), (steps) => {
      using directory = temporaryDirectory();
      const clock = { nowMs: START_MS };
      let [inForce, file] = [0, 0];
      let keeper = openKeeper(directory.path, clock);
      let connections = [0, 1, 2].map(() => new Set<string>());
      let open: Open[] = [];
      const spent: Charged[] = [];
      const warned = new Set<string>();
      let now = model(POLICIES[0] as Policy);
      const usePolicy = (index: number) => {
        inForce = index;
        now = model(POLICIES[index] as Policy);
        answered(ask(keeper, 'host', 'policy', POLICIES[index]));
      };
      const today = () => new Date(clock.nowMs + ZONE_MS).toISOString().slice(0, 10);
      const sum = (entries: Charged[], scope: string, period: string) =>
        entries
          .filter(({ scopes, day }) => scopes.includes(scope) && day.startsWith(period))
          .reduce((total, { micro }) => total + micro, 0);
      const limitsOf = (scope: string, day: string): [string, number][] => {
        const limit = now.limitOf.get(scope);
        return limit
          ? [
              [day, limit.dailyMicroUsd],
              [day.slice(0, 7), limit.monthlyMicroUsd],
            ]
          : [];
      };
      const charge = (one: Open, micro: number) => {
        open = open.filter((entry) => entry !== one);
        spent.push({ scopes: one.scopes, day: one.day, micro });
        for (const scope of now.scopesOf(one.agent).filter((own) => one.scopes.includes(own)))
          for (const [period, limit] of limitsOf(scope, one.day))
            if (limit > 0 && sum(spent, scope, period) * 5 >= limit * 4) warned.add(`${scope} ${period}`);
      };
      const chargeAll = (those: Open[]) => {
        for (const one of those) charge(one, one.micro);
      };

      function reserve({ agent, connection, input, tokens, min, price }: Parameters<typeof record>[0]) {
        return ask(
          keeper,
          'gateway',
          'reserve',
          reserveRequest({
            agent,
            inputMicroUsd: input,
            outputTokens: tokens,
            minOutputTokens: min,
            outputMicroUsdPerMillion: price,
          }),
          connections[connection],
        );
      }
      function record(
        asked: {
          agent: string;
          connection: number;
          input: number;
          tokens: number;
          min: number;
          price: number;
        },
        answer: unknown,
      ): Open | null {
        const { agent, connection } = asked;
        const scopes = now.scopesOf(agent);
        const room = Math.min(
          ...scopes.flatMap((scope) =>
            limitsOf(scope, today()).map(
              ([period, limit]) => limit - sum(spent, scope, period) - sum(open, scope, period),
            ),
          ),
        );
        const least = asked.input + Math.ceil((Math.min(asked.min, asked.tokens) * asked.price) / 1e6);
        if (typeof answer !== 'object' || answer === null || !('reservationId' in answer)) {
          assert.ok(least > room, 'refused what fits');
          refused += 1;
          return null;
        }
        const { reservationId: id, reservedMicroUsd: micro } = answer as ReserveAnswer;
        assert.ok(Number.isSafeInteger(micro) && micro >= least && micro <= room, 'admitted above the room');
        admitted += 1;
        const one = { id, agent, connection, scopes, day: today(), micro };
        open.push(one);
        return one;
      }
      function settle(one: Open, connection: number, percent: number): void {
        const micro = Math.floor((one.micro * percent) / 100);
        const answer = ask(
          keeper,
          'gateway',
          'settle',
          settleRequest(one.id, micro),
          connections[connection],
        );
        if (one.connection !== connection) {
          assert.deepEqual(answer, { refused: 'not_found', rule: 'settle.reservation' });
          return;
        }
        const isOver = micro > one.micro;
        assert.equal(answer !== null && typeof answer === 'object' && 'refused' in answer, isOver);
        charge(one, isOver ? one.micro : micro);
      }
      function checkSums(): void {
        const costs = ask(keeper, 'host', 'costs', {}) as Costs;
        const of = (scope: string) =>
          scope === 'fleet'
            ? costs.fleet
            : (scope.startsWith('team:') ? costs.teams : costs.agents)[scope.split(':')[1] ?? ''];
        for (const scope of now.limitOf.keys()) {
          const seen = of(scope);
          assert.equal(seen?.spentTodayMicroUsd, sum(spent, scope, today()), scope);
          assert.equal(seen?.spentMonthMicroUsd, sum(spent, scope, today().slice(0, 7)), scope);
          assert.equal(seen?.reservedMicroUsd, sum(open, scope, today().slice(0, 7)), scope);
        }
        const { warnings } = ask(keeper, 'host', 'warnings', {}) as { warnings: BudgetWarning[] };
        assert.deepEqual(
          warnings.map(({ scope, period }) => `${scope} ${period}`).sort(),
          [...warned]
            .filter((key) => key.endsWith(` ${today()}`) || key.endsWith(` ${today().slice(0, 7)}`))
            .sort(),
        );
      }

      usePolicy(0);
      try {
        for (const move of steps) {
          if (move.do === 'calls') {
            // As they come in one read of a socket: one commit for all.
            const answers = keeper.together(() => move.calls.map(reserve));
            for (const [index, asked] of move.calls.entries()) record(asked, answers[index]);
          } else if (move.do === 'settle') {
            const target = open[move.pick % (open.length || 1)];
            if (target) settle(target, move.connection, move.share);
          } else if (move.do === 'failover') {
            for (const [attempt, percent] of move.shares.entries()) {
              const asked = { ...move.call, price: move.call.price * (attempt + 1) };
              const one = record(asked, reserve(asked));
              if (!one) break;
              if (attempt < move.shares.length - 1) settle(one, one.connection, percent);
            }
          } else if (move.do === 'drop') {
            const gone = connections[move.connection] ?? new Set();
            keeper.abandon(gone);
            chargeAll(open.filter((one) => one.connection === move.connection));
          } else if (move.do === 'later') {
            clock.nowMs += move.hours * HOUR_MS;
          } else if (move.do === 'policy') {
            usePolicy(1 - inForce);
          } else {
            const before = `${directory.path}${file === 0 ? '' : file}`;
            if (move.do === 'reopen') for (const ended of connections) keeper.abandon(ended);
            if (move.do === 'reopen') keeper.close();
            file += 1;
            kills += 1;
            // The files as kill -9 leaves them: nothing was closed, nothing was said.
            cpSync(before, `${directory.path}${file}`, { recursive: true });
            if (move.do === 'kill') keeper.close();
            connections = connections.map(() => new Set<string>());
            keeper = openKeeper(`${directory.path}${file}`, clock);
            const inOrder = move.do === 'reopen' ? connectionOrder(open) : keeperOrder(open);
            chargeAll(inOrder);
          }
          checkSums();
        }
      } finally {
        keeper.close();
      }
    }),
    { numRuns: RUNS || 60 },
  );
  if (RUNS > 0)
    console.log(
      `budget property: ${admitted} admitted, ${refused} refused, ${kills} restarts in ${RUNS} schedules`,
    );
});

const connectionOrder = (open: Open[]) => [...open].sort((a, b) => a.connection - b.connection);
const keeperOrder = (open: Open[]) => [...open].sort((a, b) => (a.day + a.id < b.day + b.id ? -1 : 1));

test('a keeper that is killed under load charges every call that was admitted, and no more than the limit', async (t) => {
  const directory = temporaryDirectory();
  t.after(() => directory[Symbol.dispose]());
  const home = directory.path.slice(0, -'/keeper'.length);
  const policy = {
    ...policyFor({ lead: { daily: 40_000, team: 'sales' }, child: { daily: 9e6, parent: 'lead' } }),
    teams: [{ name: 'sales', ...cents(35_000, 9e6) }],
  };
  const admitted = new Set<string>();
  for (let round = 1; round <= (RUNS > 0 ? 30 : 3); round += 1) {
    const keeper = await startKeeper({ home });
    const host = await openRaw(keeper.paths.keeperHost);
    const gateway = await openRaw(keeper.paths.keeperGateway);
    await result(host.call('policy', policy));
    // Calls until it dies: some settled, some not, and of some nobody was told.
    const calls = async () => {
      for (;;) {
        const made = await gateway.call('reserve', reserveRequest({ agent: 'child', inputMicroUsd: 17 }));
        if (!made.ok) return;
        const { reservationId } = made.result as ReserveAnswer;
        admitted.add(reservationId);
        if (admitted.size % 3 > 0) await gateway.call('settle', settleRequest(reservationId, 5));
      }
    };
    for (let started = 0; started < 16; started += 1) void calls();
    while (admitted.size < round * 40) await new Promise(setImmediate);
    await keeper.kill();
    await Promise.all([gateway.end(), host.end()]);
  }
  await using last = await startKeeper({ home });
  const host = await openRaw(last.paths.keeperHost);
  const costs = (await result(host.call('costs', {}))) as Costs;
  const records: AuditRecord[] = [];
  for (let page = -1; page !== 0; ) {
    const read = (await result(host.call('audit', { after: records.length, limit: 1000 }))) as {
      records: AuditRecord[];
    };
    page = read.records.length;
    records.push(...read.records);
  }
  const charged = new Map<string, number>();
  for (const { type, detail } of records) {
    if (type !== 'reservation.settled' && type !== 'reservation.charged_in_full') continue;
    const facts = JSON.parse(detail);
    const id = facts.reservationId ?? facts.reservation;
    assert.equal(charged.has(id), false, 'charged once');
    charged.set(id, facts.chargedMicroUsd);
  }
  for (const id of admitted) assert.ok(charged.has(id), 'whatever was admitted is charged');
  const total = [...charged.values()].reduce((sum, micro) => sum + micro, 0);
  for (const one of [costs.agents.child, costs.agents.lead, costs.teams.sales, costs.fleet])
    assert.deepEqual([one?.spentTodayMicroUsd, one?.reservedMicroUsd], [total, 0]);
  assert.ok(total <= 35_000);
});
