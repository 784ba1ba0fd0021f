import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collapseAliases } from './collapse-aliases.ts';
import { microUsdPerMillion } from './model-fact.ts';
import { settlePrice } from './settle-price.ts';

test('dollars become whole micro-dollars, rounded up, and a double is not', () => {
  for (const [usd, micro] of [
    [0.4, 400_000],
    [0.1 + 0.2, 300_000],
    [0.0375, 37_500],
    [0.0000001, 1],
    [0.1234561, 123_457],
    [0, 0],
    [600, 600_000_000],
  ] as const)
    assert.equal(microUsdPerMillion(usd), micro, String(usd));
  for (const usd of [-1, Number.NaN, Number.POSITIVE_INFINITY, 1001])
    assert.throws(() => microUsdPerMillion(usd));
});

test('nothing is left that would charge too little', () => {
  assert.deepEqual(settlePrice({ input: 10, output: 20, cacheWrite: 3 }), { input: 10, output: 20 });
  const tier = { aboveInputTokens: 5, input: 20, output: 40 };
  assert.deepEqual(
    settlePrice({ input: 10, output: 20, cacheRead: 1, cacheWrite: 12, tiers: [tier] }).tiers,
    [{ ...tier, cacheRead: 20, cacheWrite: 20 }],
  );
});

test('a dated name is an alias where everything is the same, and a model of its own where anything differs', () => {
  const model = (id: string, input = 1) => ({
    id,
    contextTokens: 9,
    maxOutputTokens: 9,
    price: { input, output: 1 },
  });
  const given = [
    model('m'),
    model('m-2026-01-01'),
    model('m-20260102'),
    model('m-latest'),
    model('m-2024-05-13', 5),
  ];
  assert.deepEqual(
    collapseAliases([...given, model('other-latest')], { m: ['m-2026-03-03'] }).map(({ id, aliases }) => [
      id,
      aliases,
    ]),
    [
      ['m', ['m-2026-01-01', 'm-2026-03-03', 'm-20260102', 'm-latest']],
      ['m-2024-05-13', undefined],
      ['other-latest', undefined],
    ],
  );
});
