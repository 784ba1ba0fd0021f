import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ask,
  openKeeper,
  policyFor,
  reserveRequest,
  settleRequest,
  temporaryDirectory,
} from './test/open-keeper.ts';

const AGENTS = ['alice', 'bob'];
const LIMITS = { alice: { daily: 1000, monthly: 2500 }, bob: { daily: 700, monthly: 5000 } };
const FLEET = { daily: 1500, monthly: 3500 };
const START_MS = Date.UTC(2026, 10, 29, 12);
const DAY_MS = 86_400_000;

type Step =
  | {
      do: 'reserve';
      agent: number;
      connection: number;
      input: number;
      tokens: number;
      min: number;
      price: number;
    }
  | { do: 'settle'; pick: number; connection: number; share: number }
  | { do: 'drop'; connection: number }
  | { do: 'reopen' }
  | { do: 'kill' }
  | { do: 'tomorrow' };

const connection = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      agent: fc.nat(1),
      connection,
      input: fc.nat(400),
      tokens: fc.nat(500),
      min: fc.nat(100),
      price: fc.nat(2_000_000),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      pick: fc.nat(9),
      connection,
      share: fc.nat(120),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), connection }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ do: 'reopen' }, { do: 'kill' }, { do: 'tomorrow' }) },
);

interface Modelled {
  id: string;
  agent: string;
  connection: number;
  day: string;
  micro: number;
}

test('over any interleaving of calls, drops, crashes and days, no budget is exceeded and every sum is exact', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
      using directory = temporaryDirectory();
      const clock = { nowMs: START_MS };
      let keeper = openKeeper(directory.path, clock);
      let connections = [0, 1, 2].map(() => new Set<string>());
      let open: Modelled[] = [];
      const spent: { agent: string; day: string; micro: number }[] = [];
      const day = () => new Date(clock.nowMs).toISOString().slice(0, 10);
      const total = (agent: string | null, period: string) =>
        [...spent, ...open]
          .filter((entry) => (agent === null || entry.agent === agent) && entry.day.startsWith(period))
          .reduce((sum, { micro }) => sum + micro, 0);
      const charge = (those: Modelled[]) => {
        spent.push(...those.map(({ agent, day: on, micro }) => ({ agent, day: on, micro })));
        open = open.filter((entry) => !those.includes(entry));
      };
      const restart = () => {
        charge([...open]);
        connections = connections.map(() => new Set<string>());
        keeper = openKeeper(directory.path, clock);
      };
      ask(keeper, 'host', 'policy', policyFor(LIMITS, FLEET));
      try {
        for (const move of steps) {
          if (move.do === 'reserve') {
            const agent = AGENTS[move.agent] ?? '';
            const answer = ask(
              keeper,
              'gateway',
              'reserve',
              reserveRequest({
                agent,
                inputMicroUsd: move.input,
                outputTokens: move.tokens,
                minOutputTokens: move.min,
                outputMicroUsdPerMillion: move.price,
              }),
              connections[move.connection],
            );
            const least = move.input + Math.ceil((Math.min(move.min, move.tokens) * move.price) / 1e6);
            const limit = LIMITS[agent as 'alice' | 'bob'];
            const room = Math.min(
              limit.daily - total(agent, day()),
              limit.monthly - total(agent, day().slice(0, 7)),
              FLEET.daily - total(null, day()),
              FLEET.monthly - total(null, day().slice(0, 7)),
            );
            if (isReserved(answer)) {
              assert.ok(answer.reservedMicroUsd <= room, 'admitted above the room');
              open.push({
                id: answer.reservationId,
                agent,
                connection: move.connection,
                day: day(),
                micro: answer.reservedMicroUsd,
              });
            } else assert.ok(least > room, 'refused what fits');
          } else if (move.do === 'settle') {
            const target = open[move.pick % (open.length || 1)];
            if (!target) continue;
            const micro = Math.floor((target.micro * move.share) / 100);
            const answer = ask(
              keeper,
              'gateway',
              'settle',
              settleRequest(target.id, micro),
              connections[move.connection],
            );
            if (target.connection !== move.connection) {
              assert.deepEqual(answer, { refused: 'not_found', rule: 'settle.reservation' });
            } else {
              const over = micro > target.micro;
              assert.equal(answer !== null && typeof answer === 'object' && 'refused' in answer, over);
              open = open.filter((entry) => entry !== target);
              spent.push({ agent: target.agent, day: target.day, micro: over ? target.micro : micro });
            }
          } else if (move.do === 'drop') {
            keeper.abandon(connections[move.connection] ?? new Set());
            charge(open.filter((entry) => entry.connection === move.connection));
          } else if (move.do === 'tomorrow') {
            clock.nowMs += DAY_MS;
          } else {
            // `kill` closes without abandoning, so that the file is as a crash leaves it; `reopen` stops in order.
            if (move.do === 'reopen') for (const ended of connections) keeper.abandon(ended);
            keeper.close();
            restart();
          }
          checkSums();
        }
      } finally {
        keeper.close();
      }

      function checkSums(): void {
        const costs = ask(keeper, 'host', 'costs', {});
        for (const agent of [...AGENTS, null]) {
          const seen = spendingOf(costs, agent);
          const settled = (period: string) =>
            spent
              .filter((entry) => (agent === null || entry.agent === agent) && entry.day.startsWith(period))
              .reduce((sum, { micro }) => sum + micro, 0);
          assert.equal(seen.spentTodayMicroUsd, settled(day()));
          assert.equal(seen.spentMonthMicroUsd, settled(day().slice(0, 7)));
          const limit = agent === null ? FLEET : LIMITS[agent as 'alice' | 'bob'];
          assert.ok(total(agent, day()) <= limit.daily && total(agent, day().slice(0, 7)) <= limit.monthly);
        }
      }
    }),
    { numRuns: 60 },
  );
});

function isReserved(answer: unknown): answer is { reservationId: string; reservedMicroUsd: number } {
  return typeof answer === 'object' && answer !== null && 'reservationId' in answer;
}

function spendingOf(costs: unknown, agent: string | null): Record<string, number> {
  const of = costs as { fleet: Record<string, number>; agents: Record<string, Record<string, number>> };
  return (agent === null ? of.fleet : of.agents[agent]) ?? {};
}

test('a settlement that is negative, not a number, doubled or unknown is refused and changes nothing', () => {
  using directory = temporaryDirectory();
  const keeper = openKeeper(directory.path, { nowMs: START_MS });
  const mine = new Set<string>();
  ask(keeper, 'host', 'policy', policyFor({ assistant: { daily: 1000 } }));
  const made = ask(keeper, 'gateway', 'reserve', reserveRequest(), mine);
  assert.ok(isReserved(made));
  for (const bad of [-1, Number.NaN, 0.5, '1', null, 2 ** 60])
    assert.deepEqual(
      ask(
        keeper,
        'gateway',
        'settle',
        { ...settleRequest(made.reservationId, 0), chargedMicroUsd: bad },
        mine,
      ),
      {
        refused: 'bad_request',
        rule: 'protocol.shape',
      },
    );
  assert.deepEqual(ask(keeper, 'gateway', 'settle', settleRequest(made.reservationId, 40), mine), {
    spentTodayMicroUsd: 40,
  });
  for (const id of [made.reservationId, 'other'])
    assert.deepEqual(ask(keeper, 'gateway', 'settle', settleRequest(id, 1), mine), {
      refused: 'not_found',
      rule: 'settle.reservation',
    });
  assert.equal(spendingOf(ask(keeper, 'host', 'costs', {}), 'assistant').spentTodayMicroUsd, 40);
  keeper.close();
});

test('a call that costs a fraction of a micro-dollar is charged a whole one: none is free', () => {
  using directory = temporaryDirectory();
  const keeper = openKeeper(directory.path, { nowMs: START_MS });
  ask(keeper, 'host', 'policy', policyFor({ assistant: { daily: 100 } }));
  const mine = new Set<string>();
  let admitted = 0;
  for (let call = 0; call < 150; call += 1) {
    const made = ask(
      keeper,
      'gateway',
      'reserve',
      reserveRequest({ inputMicroUsd: 0, outputTokens: 1, minOutputTokens: 1, outputMicroUsdPerMillion: 1 }),
      mine,
    );
    if (!isReserved(made)) continue;
    ask(keeper, 'gateway', 'settle', settleRequest(made.reservationId, made.reservedMicroUsd), mine);
    admitted += 1;
  }
  assert.equal(admitted, 100);
  keeper.close();
});

test('the day of the reservation is charged, in the time zone of the fleet', () => {
  using directory = temporaryDirectory();
  // 23:30 in Berlin on 30 November; in UTC the month has 90 minutes to go.
  const clock = { nowMs: Date.UTC(2026, 10, 30, 22, 30) };
  const keeper = openKeeper(directory.path, clock);
  ask(
    keeper,
    'host',
    'policy',
    policyFor({ assistant: { daily: 100, monthly: 100 } }, undefined, 'Europe/Berlin'),
  );
  const mine = new Set<string>();
  const late = ask(keeper, 'gateway', 'reserve', reserveRequest(), mine);
  assert.ok(isReserved(late));
  assert.deepEqual(ask(keeper, 'gateway', 'reserve', reserveRequest(), mine), {
    refused: 'budget_exceeded',
    rule: 'budget.daily',
  });
  clock.nowMs += 3_600_000;
  assert.ok(isReserved(ask(keeper, 'gateway', 'reserve', reserveRequest(), mine)), 'a new day and month');
  assert.deepEqual(ask(keeper, 'gateway', 'settle', settleRequest(late.reservationId, 100), mine), {
    spentTodayMicroUsd: 0,
  });
  keeper.close();
});

test('each limit refuses by its own name', () => {
  const cases: [string, { daily: number; monthly: number }, { daily: number; monthly: number }][] = [
    ['budget.daily', { daily: 50, monthly: 500 }, { daily: 500, monthly: 500 }],
    ['budget.monthly', { daily: 500, monthly: 50 }, { daily: 500, monthly: 500 }],
    ['fleet.budget.daily', { daily: 500, monthly: 500 }, { daily: 50, monthly: 500 }],
    ['fleet.budget.monthly', { daily: 500, monthly: 500 }, { daily: 500, monthly: 50 }],
  ];
  for (const [rule, own, fleet] of cases) {
    using directory = temporaryDirectory();
    const keeper = openKeeper(directory.path, { nowMs: START_MS });
    ask(keeper, 'host', 'policy', policyFor({ assistant: own }, fleet));
    assert.deepEqual(ask(keeper, 'gateway', 'reserve', reserveRequest()), {
      refused: 'budget_exceeded',
      rule,
    });
    keeper.close();
  }
});
