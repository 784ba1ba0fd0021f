import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CatalogProvider } from '@openlegion/contract/catalog';
import { credentialBindings } from './credential-bindings.ts';

const provider = (id: string, baseUrl: string, credential: string | null): CatalogProvider => ({
  id,
  name: id,
  dialect: 'openai-chat',
  baseUrl,
  models: [],
  ...(credential ? { auth: { header: 'authorization', scheme: 'bearer', credential } } : {}),
});
const KEY = 'OPENLEGION_SYSTEM_OPENAI_API_KEY';

test("a key is bound to the origin of its provider's address, once, and to the operator's where that was changed", () => {
  const catalog = [
    provider('openai', 'https://api.openai.com/v1', KEY),
    provider('openai-responses', 'https://api.openai.com/v1', KEY),
    provider('ollama', 'http://127.0.0.1:11434/v1', null),
  ];
  assert.deepEqual([...credentialBindings(catalog, new Map())], [[KEY, ['https://api.openai.com']]]);
  const changed = new Map([
    ['openai', 'https://proxy.example:8443/openai'],
    ['own', 'https://models.example/v1'],
    ['odd', 'file:///etc/passwd'],
  ]);
  assert.deepEqual(
    [...credentialBindings(catalog, changed)],
    [
      [KEY, ['https://proxy.example:8443', 'https://api.openai.com']],
      ['OPENLEGION_SYSTEM_OWN_API_KEY', ['https://models.example']],
    ],
  );
});
