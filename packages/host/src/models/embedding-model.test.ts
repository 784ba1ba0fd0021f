import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CatalogProvider } from '@openlegion/contract/catalog';
import { callableModels, embeddingModelProblem } from './embedding-model.ts';

const model = (id: string, capabilities?: string[]) => ({
  id,
  contextTokens: 8000,
  maxOutputTokens: 1,
  price: { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 },
  ...(capabilities === undefined ? {} : { capabilities }),
});
const PROVIDERS = [
  {
    id: 'p',
    baseUrl: 'https://p.invalid/v1',
    dialect: 'openai-chat',
    auth: { header: 'authorization', scheme: 'bearer' },
    models: [model('embed', ['embedding']), model('chat', ['tools']), model('own')],
  },
] as unknown as CatalogProvider[];

test('the model for embeddings may be called beside the chain, once', () => {
  assert.deepEqual(callableModels(['p/chat'], 'p/embed'), ['p/chat', 'p/embed']);
  assert.deepEqual(callableModels(['p/embed'], 'p/embed'), ['p/embed']);
  assert.deepEqual(callableModels(['p/chat'], undefined), ['p/chat']);
});

test('says why a model for embeddings is of no use', () => {
  for (const fine of [undefined, 'p/embed', 'p/own'])
    assert.equal(embeddingModelProblem(fine, PROVIDERS), undefined);
  assert.match(embeddingModelProblem('p/chat', PROVIDERS)?.message ?? '', /makes text/);
  assert.match(embeddingModelProblem('q/embed', PROVIDERS)?.message ?? '', /no model provider "q"/);
  assert.match(embeddingModelProblem('p/none', PROVIDERS)?.message ?? '', /costs is not known/);
});
