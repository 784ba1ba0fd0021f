import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ask,
  openKeeper,
  policyFor,
  reserveRequest,
  settleRequest,
  temporaryDirectory,
} from './test/open-keeper.ts';

const START_MS = Date.UTC(2026, 10, 29, 12);
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
