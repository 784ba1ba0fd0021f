import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CatalogProvider } from '@openlegion/contract/catalog';
import type { ModelHealth } from '@openlegion/contract/gateway-protocol';
import { RouteRequest } from '@openlegion/contract/mesh-api';
import { createManualClock } from '../manual-clock.ts';
import { routeModel } from './route-model.ts';

const model = (id: string, over: object = {}) => ({
  id,
  contextTokens: 1000,
  maxOutputTokens: 100,
  price: { input: 1, output: 1 },
  ...over,
});
const PROVIDERS = [
  { id: 'a', dialect: 'openai-chat', models: [model('one', { aliases: ['one-2026-01-01'] })] },
  { id: 'b', dialect: 'anthropic', models: [model('two', { contextTokens: 2000 })] },
  { id: 'c', dialect: 'google', models: [model('three'), model('eyes', { imageTokens: 700 })] },
  { id: 'local', dialect: 'openai-chat', models: [model('*')] },
  { id: 'azure', dialect: 'openai-chat', models: [model('one')], baseUrl: '', configured: true },
].map((provider) => CatalogProvider.parse({ name: provider.id, baseUrl: 'https://p.example', ...provider }));

const AGENT = { name: 'worker', models: ['a/one', 'b/two', 'c/three'] };
const START = Date.parse('2026-11-21T00:00:00Z');

/** Health as the gateway tells it: seconds of cooling left, for each model that failed. */
const cooling = (seconds: Record<string, number>): ModelHealth[] =>
  Object.entries(seconds).map(([name, left]) => ({
    model: name,
    ok: false,
    lastStatus: 500,
    lastErrorAt: new Date(START).toISOString(),
    coolingUntil: new Date(START + left * 1000).toISOString(),
  }));

interface Case {
  title: string;
  models?: string[];
  ask?: string;
  failed?: string[];
  health?: Record<string, number>;
  atSeconds?: number;
  gives: string;
}
const CASES: Case[] = [
  { title: 'nothing is known of any: the first', gives: 'a/one' },
  { title: 'the first cools down: the next', health: { 'a/one': 60 }, gives: 'b/two' },
  { title: 'two cool down: the third', health: { 'a/one': 60, 'b/two': 60 }, gives: 'c/three' },
  { title: 'its cooling is over to the second', health: { 'a/one': 60 }, atSeconds: 60, gives: 'a/one' },
  { title: 'a second before that it is not', health: { 'a/one': 60 }, atSeconds: 59, gives: 'b/two' },
  {
    title: 'all cool down: the one with least left',
    health: { 'a/one': 300, 'b/two': 1500, 'c/three': 60 },
    gives: 'c/three',
  },
  {
    title: 'all cool down alike: the first',
    health: { 'a/one': 60, 'b/two': 60, 'c/three': 60 },
    gives: 'a/one',
  },
  { title: 'what the agent says has failed is skipped', failed: ['a/one'], gives: 'b/two' },
  {
    title: 'and what is left is taken though it cools down',
    failed: ['a/one', 'c/three'],
    health: { 'b/two': 3600 },
    gives: 'b/two',
  },
  { title: 'the model asked for comes first', ask: 'c/three', gives: 'c/three' },
  { title: 'then the others in their order', ask: 'c/three', health: { 'c/three': 9 }, gives: 'a/one' },
  { title: 'claims about others are nothing', failed: ['x/y', 'd/e'], gives: 'a/one' },
  {
    title: "an alias has its own name's health",
    models: ['a/one-2026-01-01', 'b/two'],
    ask: 'a/one-2026-01-01',
    health: { 'a/one-2026-01-01': 60 },
    gives: 'b/two',
  },
  {
    title: 'letters of another case are the same model, and keep the name of the policy',
    models: ['a/ONE', 'b/two'],
    ask: 'a/ONE',
    gives: 'a/ONE',
  },
  {
    title: 'whose health is that of the model',
    models: ['a/ONE', 'b/two'],
    ask: 'a/ONE',
    health: { 'a/one': 60 },
    gives: 'b/two',
  },
  {
    title: 'a local server takes any model, each with its own health',
    models: ['local/qwen3:8b', 'local/other'],
    ask: 'local/qwen3:8b',
    health: { 'local/qwen3:8b': 5 },
    gives: 'local/other',
  },
  {
    title: 'what cannot be called is passed over: no price, no provider, no address',
    models: ['a/new', 'x/y', 'azure/one', 'b/two'],
    ask: 'a/new',
    gives: 'b/two',
  },
];

for (const {
  title,
  models = AGENT.models,
  ask = models[0],
  failed = [],
  health = {},
  atSeconds = 0,
  gives,
} of CASES)
  test(title, () => {
    const clock = createManualClock(START);
    clock.advance(atSeconds * 1000);
    const request = RouteRequest.parse({ model: ask, failed });
    const route = routeModel({ name: 'worker', models }, request, PROVIDERS, cooling(health), clock.now());
    assert.equal(route.model, gives);
  });

test('a route says how the model is spoken to', () => {
  const route = routeModel(AGENT, { model: 'b/two', failed: [] }, PROVIDERS, [], START);
  assert.deepEqual(route, {
    model: 'b/two',
    dialect: 'anthropic',
    contextTokens: 2000,
    maxOutputTokens: 100,
  });
  const eyes = { name: 'worker', models: ['c/eyes'] };
  assert.equal(routeModel(eyes, { model: 'c/eyes', failed: [] }, PROVIDERS, [], START).imageTokens, 700);
});

test("refusals: another agent's model, a chain at its end, a model that cannot be called", () => {
  const ask =
    (models: string[], name: string, failed: string[] = []) =>
    () =>
      routeModel({ name: 'worker', models }, { model: name, failed }, PROVIDERS, [], START);
  assert.throws(ask(['a/one'], 'b/two'), { code: 'denied', rule: 'agents.worker.model' });
  assert.throws(ask(['a/one'], 'a/ONE'), { code: 'denied' });
  assert.throws(ask(['a/one', 'b/two'], 'a/one', ['a/one', 'b/two']), {
    code: 'unavailable',
    rule: 'llm.failover',
  });
  assert.throws(ask(['a/new'], 'a/new'), { code: 'not_found', remedy: /models price a\/new --input/ });
  assert.throws(ask(['a/new'], 'a/new', ['a/new']), { code: 'not_found' });
  assert.throws(ask(['x/y'], 'x/y'), { code: 'not_found', remedy: /llm\.providers/ });
  assert.throws(ask(['azure/one'], 'azure/one'), {
    code: 'not_found',
    remedy: /llm\.providers\.azure\.base_url/,
  });
});

test('a flood of lies from a hostile agent moves nobody, itself included', () => {
  const honest = { name: 'honest', models: AGENT.models };
  const health = cooling({ 'b/two': 60 });
  const before = structuredClone(health);
  const lies = [
    [],
    ['a/one'],
    ['a/one', 'b/two'],
    AGENT.models,
    Array(20).fill('a/one'),
    ['constructor/x', 'a/ONE'],
  ];
  for (let call = 0; call < 20_000; call += 1) {
    const request = RouteRequest.parse({ model: 'a/one', failed: lies[call % lies.length] });
    try {
      routeModel(AGENT, request, PROVIDERS, health, START);
    } catch (error) {
      assert.ok(error instanceof Error && 'code' in error && error.code === 'unavailable');
    }
    if (call % 100 === 0)
      assert.equal(
        routeModel(honest, { model: 'a/one', failed: [] }, PROVIDERS, health, START).model,
        'a/one',
      );
  }
  assert.deepEqual(health, before, 'what the gateway observed is as it was');
  assert.equal(routeModel(AGENT, { model: 'a/one', failed: [] }, PROVIDERS, health, START).model, 'a/one');
});
