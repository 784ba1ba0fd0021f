import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CatalogProvider } from '@openlegion/contract/catalog';
import { ModelsView } from '@openlegion/contract/control-api';
import { AgentModels } from '@openlegion/contract/mesh-api';
import { ProviderConfig } from '@openlegion/contract/mesh-config';
import { checkFailover, checkFailoverModels } from './check-failover.ts';
import { findModel } from './find-model.ts';
import { modelsOfAgent } from './models-of-agent.ts';
import { modelsView } from './models-view.ts';
import { ownModels } from './own-models.ts';

const price = { input: 1_000_000, output: 4_000_000 };
const MODELS = [
  { id: 'gpt-x', contextTokens: 1000, maxOutputTokens: 100, price, aliases: ['gpt-x-2026-01-01'] },
  { id: 'Org/Mixed-Case', contextTokens: 1000, maxOutputTokens: 100, price },
  { id: 'embed', contextTokens: 1000, maxOutputTokens: 1, price, capabilities: ['embedding'] },
];
const PROVIDERS = [
  { id: 'p', models: MODELS },
  { id: 'own', models: MODELS, baseUrl: '', configured: true },
  {
    id: 'local',
    models: [{ id: '*', contextTokens: 10, maxOutputTokens: 10, price: { input: 0, output: 0 } }],
  },
  {
    id: 'scripted',
    socketPath: '/run/s.sock',
    models: [{ id: '*', contextTokens: 10, maxOutputTokens: 10, price }],
  },
].map((one) =>
  CatalogProvider.parse({ name: one.id, dialect: 'openai-chat', baseUrl: 'https://p.example', ...one }),
);

test('a name is found as the gateway finds it, or it is said what is missing', () => {
  for (const [name, observedAs] of [
    ['p/gpt-x', 'p/gpt-x'],
    ['p/GPT-X', 'p/gpt-x'],
    ['p/gpt-x-2026-01-01', 'p/gpt-x-2026-01-01'],
    ['p/org/mixed-case', 'p/Org/Mixed-Case'],
    ['local/a:b', 'local/a:b'],
  ] as const) {
    const lookup = findModel(name, PROVIDERS);
    assert.equal(lookup.ok && lookup.found.observedAs, observedAs, name);
  }
  for (const [name, missing] of [
    ['p/gpt-x:free', 'price'],
    ['p/gpt-x-2026-01-02', 'price'],
    ['p/p/gpt-x', 'price'],
    ['nobody/gpt-x', 'provider'],
    ['own/gpt-x', 'address'],
  ] as const)
    assert.deepEqual(findModel(name, PROVIDERS), { ok: false, missing }, name);
});

test('a chain that comes back to a model is found; two models may stand in for each other', () => {
  assert.deepEqual(checkFailover({ 'a/x': ['b/y'], 'b/y': ['a/x'] }), []);
  for (const entries of [['a/x'], ['b/y', 'b/y'], ['b/y', 'A/X'.toLowerCase()], ['b/y', 'c/z', 'b/Y']])
    assert.equal(checkFailover({ 'a/x': entries }).length, 1, entries.join());
  assert.deepEqual(checkFailoverModels({ 'p/gpt-x': ['local/any', 'p/org/mixed-case'] }, PROVIDERS), []);
  for (const [entry, why] of [
    ['p/new', /models price p\/new/],
    ['nobody/x', /llm\.providers/],
    ['own/gpt-x', /base_url/],
    ['p/embed', /same kind/],
    ['p/gpt-x-2026-01-01', /once/],
  ] as const) {
    const [problem, ...more] = checkFailoverModels({ 'p/gpt-x': ['local/a', entry] }, PROVIDERS);
    assert.match(problem?.remedy ?? '', why);
    assert.deepEqual([problem?.index, more], [1, []]);
  }
});

test("the models of an agent are those of its chain that can be called, by its policy's names", () => {
  const listed = modelsOfAgent({ models: ['p/GPT-X', 'p/new', 'p/embed'] }, PROVIDERS);
  assert.deepEqual(AgentModels.parse(listed).models, [
    { model: 'p/GPT-X', dialect: 'openai-chat', contextTokens: 1000, maxOutputTokens: 100, embedding: false },
    { model: 'p/embed', dialect: 'openai-chat', contextTokens: 1000, maxOutputTokens: 1, embedding: true },
  ]);
});

test('the view tells no socket, and a cooling that is over is over', () => {
  const at = (ms: number) => new Date(ms).toISOString();
  const failed = { ok: false, lastStatus: 500, lastErrorAt: at(0) };
  const view = modelsView(
    PROVIDERS,
    [
      { model: 'p/gpt-x', ...failed, coolingUntil: at(60_000) },
      { model: 'p/embed', ...failed, coolingUntil: at(60_001) },
    ],
    60_000,
  );
  assert.deepEqual(ModelsView.parse(view), view);
  assert.equal(JSON.stringify(view).includes('/run/s.sock'), false);
  assert.deepEqual(
    view.health.map(({ model, ok, coolingUntil }) => [model, ok, coolingUntil]),
    [
      ['p/gpt-x', true, null],
      ['p/embed', false, at(60_001)],
    ],
  );
});

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
  const merged = CatalogProvider.shape.models.parse(ownModels(models, PROVIDERS[0]?.models ?? []));
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
