import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CatalogProvider } from '@openlegion/contract/catalog';
import { modelTable } from './model-table.ts';

const price = { input: 400_000, output: 1_600_000 };
const PROVIDERS = [
  { id: 'p', models: [{ id: 'm', contextTokens: 10, maxOutputTokens: 5, price }] },
  {
    id: 'local',
    models: [
      { id: '*', contextTokens: 10, maxOutputTokens: 5, price: { input: 0, output: 0 } },
      { id: 'own', contextTokens: 10, maxOutputTokens: 5, price },
    ],
  },
].map((one) =>
  CatalogProvider.parse({ name: one.id, dialect: 'openai-chat', baseUrl: 'https://p.example', ...one }),
);
const observed = (model: string, lastStatus: number, coolingUntil: string | null) => ({
  model,
  ok: coolingUntil === null,
  lastStatus,
  lastErrorAt: null,
  coolingUntil,
});

test('health is that of each model; a local server shows the models that were called', () => {
  const until = '2026-11-21T00:01:00.000Z';
  const lines = modelTable(PROVIDERS, [
    observed('p/m', 503, until),
    observed('local/qwen3:8b', 200, null),
    observed('local/gone', 0, until),
    observed('local/own', 200, null),
  ]).split('\n');
  assert.match(lines[1] ?? '', /^p\/m .*status 503, cools down until 2026-11-21T00:01:00\.000Z$/);
  assert.match(lines[2] ?? '', /^local\/\* .*not called yet$/);
  assert.match(lines[3] ?? '', /^local\/qwen3:8b +10 +5 +0\.00 .*ok$/);
  assert.match(lines[4] ?? '', /^local\/gone .*no answer, cools down until/);
  assert.match(lines[5] ?? '', /^local\/own .* 0\.40 .*ok$/);
  assert.equal(lines.length, 6, 'each model once');
  assert.equal(modelTable(PROVIDERS, null).split('\n').length, 4);
});
