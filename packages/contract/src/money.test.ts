import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatMicroUsd, UsdAmount } from './money.ts';

test('dollars become whole micro-dollars, whatever binary fractions do', () => {
  assert.equal(UsdAmount.parse(5), 5_000_000);
  assert.equal(UsdAmount.parse(0.1), 100_000);
  assert.equal(UsdAmount.parse(1.005), 1_005_000);
  for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY, 1e9, '5', null]) {
    assert.equal(UsdAmount.safeParse(bad).success, false, String(bad));
  }
});

test('an amount is shown with its cents and with no digit lost', () => {
  assert.equal(formatMicroUsd(0), '$0.00');
  assert.equal(formatMicroUsd(5_000_000), '$5.00');
  assert.equal(formatMicroUsd(1_234_567), '$1.234567');
  assert.equal(formatMicroUsd(1_230_000), '$1.23');
  assert.equal(formatMicroUsd(100), '$0.0001');
  fc.assert(
    fc.property(fc.nat(), (amount) => {
      assert.equal(Math.round(Number(formatMicroUsd(amount).slice(1)) * 1_000_000), amount);
    }),
  );
});
