import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CatalogProvider } from './catalog.ts';
import { ProviderConfig } from './mesh-config.ts';
import { ownModels } from './own-models.ts';

const price = { input: 1_000_000, output: 4_000_000 };
const MODELS = [
  { id: 'gpt-x', contextTokens: 1000, maxOutputTokens: 100, price, aliases: ['gpt-x-2026-01-01'] },
  { id: 'Org/Mixed-Case', contextTokens: 1000, maxOutputTokens: 100, price },
  { id: 'embed', contextTokens: 1000, maxOutputTokens: 1, price, capabilities: ['embedding'] },
];

test("the operator's own models stand before the catalog's, and every name keeps one price", () => {
  const { models } = ProviderConfig.parse({
    models: {
      'GPT-X': {
        input_usd_per_million: 0.1,
        output_usd_per_million: 0.4,
        cache_read_usd_per_million: 0.01,
        audio_input_usd_per_million: 2,
        tiers: [{ above_input_tokens: 500, input_usd_per_million: 0.2, output_usd_per_million: 0.8 }],
      },
      'gpt-x-2026-01-01': { input_usd_per_million: 9, output_usd_per_million: 9, context_tokens: 77 },
    },
  });
  const merged = CatalogProvider.shape.models.parse(
    ownModels(models, CatalogProvider.shape.models.parse(MODELS)),
  );
  assert.deepEqual(
    merged.map(({ id, aliases }) => [id, aliases]),
    [
      ['GPT-X', undefined],
      ['gpt-x-2026-01-01', undefined],
      ['Org/Mixed-Case', undefined],
      ['embed', undefined],
    ],
  );
  assert.deepEqual(merged[0]?.price, {
    input: 100_000,
    output: 400_000,
    cacheRead: 10_000,
    audioInput: 2_000_000,
    tiers: [{ aboveInputTokens: 500, input: 200_000, output: 800_000 }],
  });
  assert.equal(merged[1]?.contextTokens, 77);
});

test('mesh.yaml: a model twice, a name that is none, tiers out of order, a negative or absurd price are refused', () => {
  const prices = { input_usd_per_million: 1, output_usd_per_million: 1 };
  const tier = (above: number) => ({ above_input_tokens: above, ...prices });
  const refused: Record<string, object>[] = [
    { x: prices, X: prices },
    { '': prices },
    { 'a b': prices },
    { '../x': prices },
    { x: { ...prices, tiers: [tier(2), tier(1)] } },
    { x: { ...prices, tiers: [tier(2), tier(2)] } },
    { x: { ...prices, input_usd_per_million: -1 } },
    { x: { ...prices, input_usd_per_million: 1001 } },
    { x: { ...prices, aliases: ['a b'] } },
    { x: { input_usd_per_million: 1 } },
  ];
  for (const models of refused)
    assert.equal(ProviderConfig.safeParse({ models }).success, false, JSON.stringify(models));
  assert.ok(
    ProviderConfig.safeParse({ models: { '*': prices, x: { ...prices, tiers: [tier(1), tier(2)] } } })
      .success,
  );
});
