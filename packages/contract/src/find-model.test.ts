import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findModel } from './find-model.ts';
import { SAMPLE_PROVIDERS as PROVIDERS } from './test/sample-providers.ts';

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
