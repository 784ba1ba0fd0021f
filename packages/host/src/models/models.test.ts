import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModelsView } from '@openlegion/contract/control-api';
import { AgentModels } from '@openlegion/contract/mesh-api';
import { SAMPLE_PROVIDERS as PROVIDERS } from '@openlegion/contract/test/sample-providers';
import { checkFailover, checkFailoverModels } from './check-failover.ts';
import { modelsOfAgent } from './models-of-agent.ts';
import { modelsView } from './models-view.ts';

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
