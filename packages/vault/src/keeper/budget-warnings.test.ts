import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BudgetWarning } from '@openlegion/contract/costs';
import type { Policy, ReserveAnswer } from '@openlegion/contract/keeper-protocol';
import {
  answered,
  ask,
  auditOf,
  cents,
  openKeeper,
  policyFor,
  reserveRequest,
  settleRequest,
  temporaryDirectory,
} from './test/open-keeper.ts';

const HOUR_MS = 3_600_000;
/** 29 November, noon. */
const START_MS = Date.UTC(2026, 10, 29, 12);

test('each warning is given once, at four fifths, and recorded', () => {
  using directory = temporaryDirectory();
  const clock = { nowMs: Date.UTC(2026, 10, 21) };
  const keeper = openKeeper(directory.path, clock);
  const mine = new Set<string>();
  answered(
    ask(keeper, 'host', 'policy', {
      ...policyFor({ alice: { daily: 1000, monthly: 10_000, team: 'sales' } }),
      teams: [{ name: 'sales', ...cents(1001, 1200) }],
    }),
  );
  const spend = (micro: number) => {
    const { reservationId } = answered<ReserveAnswer>(
      ask(keeper, 'gateway', 'reserve', reserveRequest({ agent: 'alice', inputMicroUsd: micro }), mine),
    );
    answered(ask(keeper, 'gateway', 'settle', settleRequest(reservationId, micro), mine));
  };
  const warnings = () =>
    answered<{ warnings: BudgetWarning[] }>(ask(keeper, 'host', 'warnings', {})).warnings.map(
      ({ scope, period, spentMicroUsd, limitMicroUsd }) => [scope, period, spentMicroUsd, limitMicroUsd],
    );
  spend(799);
  assert.deepEqual(warnings(), []);
  spend(1);
  assert.deepEqual(warnings(), [['agent:alice', '2026-11-21', 800, 1000]]);
  spend(1);
  spend(50);
  const all = [
    ['agent:alice', '2026-11-21', 800, 1000],
    ['team:sales', '2026-11-21', 801, 1001],
  ];
  assert.deepEqual(warnings(), all);
  assert.deepEqual(
    auditOf(keeper)
      .filter(({ type }) => type === 'budget.warning')
      .map(({ subject, detail }) => [subject, JSON.parse(detail)]),
    [
      ['agent:alice', { period: '2026-11-21', spentMicroUsd: 800, limitMicroUsd: 1000 }],
      ['team:sales', { period: '2026-11-21', spentMicroUsd: 801, limitMicroUsd: 1001 }],
    ],
  );
  clock.nowMs += 24 * HOUR_MS;
  assert.deepEqual(warnings(), [], 'of the day before: over');
  spend(110);
  assert.deepEqual(warnings(), [['team:sales', '2026-11', 961, 1200]]);
  keeper.close();
});

test('limits per minute hold for an agent and all that spend for it, and slide', () => {
  using directory = temporaryDirectory();
  const clock = { nowMs: Date.UTC(2026, 10, 21, 12, 0, 0, 900) };
  const keeper = openKeeper(directory.path, clock);
  const mine = new Set<string>();
  answered(
    ask(
      keeper,
      'host',
      'policy',
      policyFor({ lead: { requestsPerMinute: 3 }, child: { parent: 'lead', tokensPerMinute: 100 } }),
    ),
  );
  const reserve = (agent: string, inputTokens = 0, outputTokens = 0) =>
    ask(
      keeper,
      'gateway',
      'reserve',
      reserveRequest({ agent, inputTokens, outputTokens, minOutputTokens: 10 }),
      mine,
    ) as ReserveAnswer;
  const tooFast = (agent: string, what: string) => ({
    refused: 'rate_limited',
    rule: `agents.${agent}.budget.${what}_per_minute`,
  });
  const first = answered<ReserveAnswer>(reserve('child', 40, 200));
  assert.equal(first.outputTokens, 60, 'what the minute has left');
  assert.deepEqual(reserve('child', 1, 10), tooFast('child', 'tokens'));
  answered(
    ask(
      keeper,
      'gateway',
      'settle',
      { ...settleRequest(first.reservationId, 1), inputTokens: 30, outputTokens: 20 },
      mine,
    ),
  );
  assert.equal(
    answered<ReserveAnswer>(reserve('child', 40, 200)).outputTokens,
    10,
    'what was not used is free again',
  );
  answered(reserve('lead'));
  assert.deepEqual(reserve('lead'), tooFast('lead', 'requests'));
  assert.deepEqual(reserve('child'), tooFast('lead', 'requests'), "a child's calls are its parent's too");
  clock.nowMs += 59_900;
  assert.deepEqual(reserve('lead'), tooFast('lead', 'requests'), 'a whole minute has not passed');
  clock.nowMs += 1_200;
  answered(reserve('lead'));
  answered(reserve('child', 90, 10));
  clock.nowMs -= 600_000;
  answered(reserve('child', 90, 10));
  keeper.close();
});

test('refusals name whose limit it was: a parent, a team', () => {
  const cases: [string, Policy][] = [
    ['agents.lead.budget.daily', policyFor({ lead: { daily: 50 }, child: { parent: 'lead' } })],
    ['agents.lead.budget.monthly', policyFor({ lead: { monthly: 50 }, child: { parent: 'lead' } })],
    ['budget.daily', policyFor({ lead: {}, child: { parent: 'lead', daily: 50 } })],
    [
      'teams.sales.budget.monthly',
      {
        ...policyFor({ lead: { team: 'sales' }, child: { parent: 'lead' } }),
        teams: [{ name: 'sales', ...cents(500, 50) }],
      },
    ],
  ];
  for (const [rule, policy] of cases) {
    using directory = temporaryDirectory();
    const keeper = openKeeper(directory.path, { nowMs: START_MS });
    answered(ask(keeper, 'host', 'policy', policy));
    assert.deepEqual(ask(keeper, 'gateway', 'reserve', reserveRequest({ agent: 'child' })), {
      refused: 'budget_exceeded',
      rule,
    });
    keeper.close();
  }
});
