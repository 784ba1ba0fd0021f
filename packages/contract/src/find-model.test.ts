import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CatalogProvider } from './catalog.ts';
import { findModel } from './find-model.ts';

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
