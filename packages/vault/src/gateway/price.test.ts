import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CatalogModel, Price } from '@openlegion/contract/catalog';
import fc from 'fast-check';
import { type Admitted, priceUsage } from './answer/price-usage.ts';
import { type Bound, boundCost, microUsd } from './bound-cost.ts';
import { emptyReading, type Reading } from './dialect/answer-reader.ts';
import type { Ask } from './dialect/dialect.ts';
import { createDialects } from './dialect/dialects.ts';
import { MODEL } from './test/start-gateway.ts';

const TIERED: Price = {
  input: 1_000_000,
  output: 4_000_000,
  cacheRead: 100_000,
  tiers: [
    { aboveInputTokens: 2000, input: 2_000_000, output: 6_000_000, cacheRead: 200_000 },
    { aboveInputTokens: 5000, input: 3_000_000, output: 9_000_000 },
  ],
};

function ask(text: string): Ask {
  const rules = createDialects().get('openai-chat');
  const route = rules?.route('chat/completions');
  assert.ok(rules && route);
  return rules.ask(
    route,
    { model: 'm', messages: [{ role: 'user', content: text }], max_tokens: 100 },
    () => true,
  );
}

function boundOf(text: string, price: Price): Bound {
  const model: CatalogModel = { ...MODEL, price };
  const body = Buffer.from(JSON.stringify(ask(text).body));
  return boundCost(ask(text), model, body, body.toString());
}

function charge(reading: Partial<Reading>, bound: Bound, price: Price): number {
  const reservedMicroUsd = bound.inputMicroUsd + microUsd([[100, bound.outputPrice]]);
  const admitted: Admitted = { bound, price, outputTokens: 100, reservedMicroUsd };
  return priceUsage({ ...emptyReading(), finished: true, outputBytes: 50, ...reading }, admitted)
    .chargedMicroUsd;
}

test('a reservation is made at the dearest tier that so many bytes can reach', () => {
  const short = boundOf('x'.repeat(100), TIERED);
  assert.deepEqual([short.inputPrice, short.outputPrice], [1_000_000, 4_000_000]);
  const middle = boundOf('x'.repeat(2000), TIERED);
  assert.deepEqual([middle.inputPrice, middle.outputPrice], [2_000_000, 6_000_000]);
  const long = boundOf('x'.repeat(9000), TIERED);
  assert.deepEqual([long.inputPrice, long.outputPrice], [3_000_000, 9_000_000]);
});

test('a cheaper tier for large inputs does not lower the reservation of what may be smaller', () => {
  const falling: Price = {
    input: 5_000_000,
    output: 9_000_000,
    tiers: [{ aboveInputTokens: 10, input: 1, output: 1 }],
  };
  const bound = boundOf('x'.repeat(5000), falling);
  assert.deepEqual([bound.inputPrice, bound.outputPrice], [5_000_000, 9_000_000]);
});

test('a call is settled at the tier of its actual input, edges included', () => {
  const bound = boundOf('x'.repeat(9000), TIERED);
  const cases: [input: number, price: number, output: number][] = [
    [1999, 1, 4],
    [2000, 1, 4],
    [2001, 2, 6],
    [5000, 2, 6],
    [5001, 3, 9],
  ];
  for (const [input, price, output] of cases)
    assert.equal(charge({ input, output: 10 }, bound, TIERED), input * price + 10 * output, String(input));
  // The second tier has a price of its own for cached tokens; the third has none, and the dearest class holds.
  assert.equal(charge({ input: 3000, cacheRead: 1000, output: 10 }, bound, TIERED), 2000 * 2 + 200 + 60);
  assert.equal(charge({ input: 6000, cacheRead: 1000, output: 10 }, bound, TIERED), 6000 * 3 + 90);
});

test('an input that is not believed is charged at the bound of the dearest tier', () => {
  const bound = boundOf('x'.repeat(9000), TIERED);
  assert.equal(charge({ input: null, output: 10 }, bound, TIERED), bound.inputMicroUsd + 90);
});

test('audio that a provider counts is priced as audio, in and out', () => {
  const price: Price = { input: 1_000_000, output: 2_000_000, audioInput: 3_000_000, audioOutput: 1_000_000 };
  const bound = boundOf('x'.repeat(5000), price);
  const reading = { input: 100, audioInput: 40, output: 10, audioOutput: 4 };
  // Audio out is never cheaper than text: the reservation was made for text.
  assert.equal(charge(reading, bound, price), 60 + 120 + 12 + 8);
  // More audio than there is input: nothing of it is believed.
  assert.equal(charge({ ...reading, audioInput: 101 }, bound, price), bound.inputMicroUsd + 12 + 8);
});

test('whatever prices and figures, nothing is charged above the reservation or below zero', () => {
  const count = fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.constant(1_000_000_000));
  const microUsdPerMillion = fc.integer({ min: 0, max: 1_000_000_000 });
  const prices = fc.record(
    {
      ...{ input: microUsdPerMillion, output: microUsdPerMillion, cacheRead: microUsdPerMillion },
      ...{ cacheWrite: microUsdPerMillion, audioInput: microUsdPerMillion, audioOutput: microUsdPerMillion },
    },
    { requiredKeys: ['input', 'output'] },
  );
  const tier: fc.Arbitrary<NonNullable<Price['tiers']>[number]> = fc.record({
    ...{ aboveInputTokens: fc.integer({ min: 1, max: 9000 }), input: microUsdPerMillion },
    output: microUsdPerMillion,
  });
  const reading = fc.record({
    ...{ input: fc.option(count), cacheRead: count, cacheWrite: fc.option(count), cacheWriteHour: count },
    ...{ audioInput: count, output: fc.option(count), audioOutput: count, finished: fc.boolean() },
    outputBytes: count,
  });
  fc.assert(
    fc.property(prices, fc.array(tier, { maxLength: 3 }), reading, (price, tiers, seen) => {
      const whole = { ...price, tiers: tiers.toSorted((a, b) => a.aboveInputTokens - b.aboveInputTokens) };
      const bound = boundOf('x'.repeat(6000), whole);
      const charged = charge(seen, bound, whole);
      const reserved = bound.inputMicroUsd + microUsd([[100, bound.outputPrice]]);
      assert.ok(Number.isSafeInteger(charged) && charged >= 0 && charged <= reserved);
      // What is believed is priced whole: at least every token in at the least of the prices that can apply.
      const least = Math.min(
        ...[whole, ...whole.tiers].flatMap(({ input, cacheRead = input }) => [input, cacheRead]),
        whole.cacheWrite ?? Number.POSITIVE_INFINITY,
      );
      const input = seen.input ?? 0;
      if (input > 0 && input <= bound.inputTokens && least > 0)
        assert.ok(charged >= Math.min(reserved, microUsd([[input, least]])));
    }),
    { numRuns: 500 },
  );
});
