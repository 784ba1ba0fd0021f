import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import type { AuditRecord } from '@openlegion/contract/audit-record';
import type { Costs } from '@openlegion/contract/costs';
import type { ReserveAnswer } from '@openlegion/contract/keeper-protocol';
import fc from 'fast-check';
import { createFlush } from '../process/database.ts';
import type { Keeper } from './keeper.ts';
import {
  ask,
  openKeeper,
  policyFor,
  reserveRequest,
  settleRequest,
  temporaryDirectory,
} from './test/open-keeper.ts';

const CLOCK = { nowMs: Date.UTC(2026, 10, 21) };
const LIMITS = { alice: { daily: 20_000, monthly: 60_000 }, bob: { daily: 50_000 } };
const FLEET = { daily: 40_000, monthly: 90_000 };

/** A keeper whose disk can be looked at: what a power failure would leave is a copy of the files in `leftBehind`. */
function setUp(bootId: string | null = 'first boot') {
  const directory = temporaryDirectory();
  const leftBehind = `${directory.path}-left`;
  const copy = () => {
    rmSync(leftBehind, { recursive: true, force: true });
    cpSync(directory.path, leftBehind, { recursive: true });
  };
  const seen = { durable: 0, later: [] as (() => void)[] };
  const mine = new Set<string>();
  const keeper = openKeeper(directory.path, CLOCK, undefined, {
    bootId,
    later: (run) => void seen.later.push(run),
    forced: () => {
      seen.durable += 1;
      copy();
    },
  });
  ask(keeper, 'host', 'policy', policyFor(LIMITS, FLEET));
  return {
    keeper,
    seen,
    mine,
    copy,
    directory,
    reserve: (agent: string, inputMicroUsd: number) =>
      ask(keeper, 'gateway', 'reserve', reserveRequest({ agent, inputMicroUsd }), mine) as
        | ReserveAnswer
        | { refused: string },
    settle: (id: string, microUsd: number) =>
      ask(keeper, 'gateway', 'settle', settleRequest(id, microUsd), mine),
    afterPowerLoss: (boot = 'second boot') => openKeeper(leftBehind, CLOCK, undefined, { bootId: boot }),
    [Symbol.dispose]() {
      keeper.close();
      directory[Symbol.dispose]();
    },
  };
}

const spent = (keeper: Keeper) => {
  const { fleet, agents } = ask(keeper, 'host', 'costs', {}) as Costs;
  return {
    fleet: fleet.spentTodayMicroUsd,
    fleetMonth: fleet.spentMonthMicroUsd,
    alice: agents.alice?.spentTodayMicroUsd ?? 0,
    bob: agents.bob?.spentTodayMicroUsd ?? 0,
  };
};

const auditTypes = (keeper: Keeper) =>
  (ask(keeper, 'host', 'audit', { after: 0, limit: 10_000 }) as { records: AuditRecord[] }).records.map(
    ({ type }) => type,
  );

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      agent: fc.constantFrom('alice', 'bob'),
      micro: fc.integer({ min: 1, max: 3000 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ pick: fc.nat(9), share: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.constant('written by chance' as const) },
);

test('whatever a power failure takes back, all that was admitted before it is charged after it', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
      using setup = setUp();
      const open: { id: string; agent: 'alice' | 'bob'; micro: number }[] = [];
      const known = { alice: 0, bob: 0 };
      for (const move of steps) {
        // The kernel may have written more than it was made to.
        if (move === 'written by chance') setup.copy();
        else if ('agent' in move) {
          const agent = move.agent as 'alice' | 'bob';
          const answer = setup.reserve(agent, move.micro);
          if ('reservationId' in answer)
            open.push({ id: answer.reservationId, agent, micro: answer.reservedMicroUsd });
        } else {
          const [target] = open.splice(move.pick % (open.length || 1), 1);
          if (!target) continue;
          const micro = Math.floor((target.micro * move.share) / 100);
          setup.settle(target.id, micro);
          known[target.agent] += micro;
        }
      }
      const keeper = setup.afterPowerLoss();
      const after = spent(keeper);
      keeper.close();
      for (const agent of ['alice', 'bob'] as const) {
        const admitted =
          known[agent] + open.reduce((sum, one) => sum + (one.agent === agent ? one.micro : 0), 0);
        assert.ok(after[agent] >= admitted, `${agent}: ${after[agent]} charged, ${admitted} admitted`);
        assert.ok(after[agent] <= LIMITS[agent].daily, 'a mark above its limit');
      }
      const all = known.alice + known.bob + open.reduce((sum, { micro }) => sum + micro, 0);
      assert.ok(after.fleet >= all && after.fleetMonth >= all);
      assert.ok(after.fleet <= FLEET.daily && after.fleetMonth <= FLEET.monthly);
    }),
    { numRuns: 60 },
  );
});

test('calls within the marks wait for no disk; what they can cost after a power failure is bounded', () => {
  using setup = setUp();
  const before = setup.seen.durable;
  for (let call = 0; call < 50; call += 1) {
    const answer = setup.reserve('alice', 20);
    assert.ok('reservationId' in answer);
    setup.settle(answer.reservationId, 10);
  }
  // 500 spent; the narrowest mark is alice's of the day, raised by a hundredth of 20,000 at a time.
  assert.equal(setup.seen.durable - before, 3);
  const keeper = setup.afterPowerLoss();
  const { alice } = spent(keeper);
  assert.ok(alice >= 500 && alice <= 500 + 20 + 200, `${alice} charged`);
  const types = auditTypes(keeper);
  assert.ok(types.includes('keeper.power_lost') && types.includes('budget.charged_to_mark'));
  keeper.close();
});

test('a keeper that is killed, or stopped before the machine is, finds its sums exact', () => {
  using setup = setUp();
  for (const [agent, micro] of [
    ['alice', 70],
    ['bob', 300],
    ['alice', 5],
  ] as const) {
    const answer = setup.reserve(agent, micro);
    assert.ok('reservationId' in answer);
    setup.settle(answer.reservationId, micro - 1);
  }
  setup.copy();
  const killed = setup.afterPowerLoss('first boot');
  assert.deepEqual(spent(killed), { fleet: 372, fleetMonth: 372, alice: 73, bob: 299 });
  assert.equal(auditTypes(killed).includes('keeper.power_lost'), false);
  killed.close();
  const stopped = setup.afterPowerLoss('second boot');
  assert.deepEqual(spent(stopped), { fleet: 372, fleetMonth: 372, alice: 73, bob: 299 });
  assert.equal(auditTypes(stopped).includes('keeper.power_lost'), false);
  stopped.close();
});

test('what was charged for a power failure is not charged again for the next', () => {
  using setup = setUp();
  setup.reserve('alice', 100);
  const once = setup.afterPowerLoss('second boot');
  const charged = spent(once);
  once.close();
  const twice = setup.afterPowerLoss('third boot');
  assert.deepEqual(spent(twice), charged);
  twice.close();
});

test('where the machine does not say when it was started, every reservation is forced to disk', () => {
  using setup = setUp(null);
  const before = setup.seen.durable;
  for (let call = 0; call < 10; call += 1) setup.reserve('bob', 1);
  assert.equal(setup.seen.durable - before, 10);
  const keeper = setup.afterPowerLoss();
  assert.equal(spent(keeper).bob, 10);
  keeper.close();
});

test('records that no commit forced to disk are brought there together, soon', () => {
  using setup = setUp();
  setup.reserve('alice', 1);
  assert.equal(setup.seen.later.length, 0, 'the first raised the marks, on disk');
  for (let call = 0; call < 5; call += 1) setup.reserve('alice', 1);
  assert.equal(setup.seen.later.length, 1);
  setup.seen.later.shift()?.();
  const keeper = setup.afterPowerLoss();
  assert.equal(auditTypes(keeper).filter((type) => type === 'reservation.made').length, 6);
  keeper.close();
  setup.reserve('alice', 1);
  assert.equal(setup.seen.later.length, 1, 'and the next ones again');
});

test('a full disk does not end the keeper when records are brought to disk; a failing one does', () => {
  const errors = [13, 10].map((errcode) => Object.assign(new Error('of SQLite'), { errcode }));
  const runs: (() => void)[] = [];
  const fails = () => {
    throw errors.shift() ?? new Error('called too often');
  };
  const flush = createFlush(fails, (run) => void runs.push(run));
  flush.soon();
  runs.shift()?.();
  flush.soon();
  assert.throws(() => runs.shift()?.(), { errcode: 10 });
});
