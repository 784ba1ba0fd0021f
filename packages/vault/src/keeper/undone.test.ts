import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ask,
  KEY_NAME,
  NOWHERE,
  ORIGIN,
  openKeeper,
  policyFor,
  reserveRequest,
  temporaryDirectory,
} from './test/open-keeper.ts';

const clock = { nowMs: Date.UTC(2026, 10, 21) };

test('nothing that was undone is remembered: no sum, no record of the chain, no secret', () => {
  using directory = temporaryDirectory();
  const keeper = openKeeper(directory.path, clock);
  ask(keeper, 'host', 'policy', policyFor({ assistant: { daily: 1000 } }));
  const kept = { name: KEY_NAME, value: 'sk-kept-0123456789', origins: [ORIGIN], ...NOWHERE };
  ask(keeper, 'admin', 'put', kept);
  const reserve = () => ask(keeper, 'gateway', 'reserve', { ...reserveRequest(), credential: KEY_NAME });
  const first = reserve();
  const costs = ask(keeper, 'host', 'costs', {});
  const records = ask(keeper, 'admin', 'audit', { after: 0, limit: 1000 });
  assert.throws(
    () =>
      keeper.together(() => {
        ask(keeper, 'admin', 'rotate', { name: KEY_NAME, value: 'sk-undone-0123456789' });
        assert.equal(secretOf(reserve()), 'sk-undone-0123456789');
        throw new Error('the disk is full');
      }),
    /the disk is full/,
  );
  assert.deepEqual(ask(keeper, 'host', 'costs', {}), costs);
  assert.deepEqual(ask(keeper, 'admin', 'audit', { after: 0, limit: 1000 }), records);
  const second = reserve();
  assert.equal(secretOf(first), 'sk-kept-0123456789');
  assert.equal(secretOf(second), 'sk-kept-0123456789');
  const { agents } = ask(keeper, 'host', 'costs', {}) as {
    agents: Record<string, { reservedMicroUsd: number }>;
  };
  const reserved = [first, second].reduce<number>((sum, made) => sum + reservedOf(made), 0);
  assert.equal(agents.assistant?.reservedMicroUsd, reserved);
  // Exactly what is left of the limit fits, and nothing above it.
  const rest = (inputMicroUsd: number) =>
    ask(keeper, 'gateway', 'reserve', {
      ...{ ...reserveRequest(), inputMicroUsd },
      ...{ outputTokens: 0, minOutputTokens: 0 },
    });
  assert.equal((rest(1001 - reserved) as { rule: string }).rule, 'budget.daily');
  assert.equal(reservedOf(rest(1000 - reserved)), 1000 - reserved);
  keeper.close();
  // The chain is verified from its beginning when it is opened.
  openKeeper(directory.path, clock).close();
});

const secretOf = (answer: unknown) => (answer as { secret: string }).secret;
const reservedOf = (answer: unknown) => (answer as { reservedMicroUsd: number }).reservedMicroUsd;
