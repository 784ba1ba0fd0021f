import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import { parse } from 'yaml';
import { TEMPLATES } from '../programs.ts';
import { editOwnModels } from './edit-own-models.ts';

const entry = { input_usd_per_million: 0.4, output_usd_per_million: 1.6 };
const change = (model: string, more: object = {}) => ({
  provider: 'openai',
  model,
  entry: { ...entry, ...more },
});
const modelsIn = (text: string | null, provider = 'openai') =>
  MeshConfig.parse(parse(text ?? '')).llm.providers[provider]?.models ?? {};

test('a template keeps every line and comment it had', () => {
  const before = readFileSync(join(TEMPLATES, 'starter/mesh.yaml'), 'utf8');
  const after = editOwnModels(before, [change('new:8b')]);
  assert.deepEqual(modelsIn(after)['new:8b'], {
    input_usd_per_million: 400_000,
    output_usd_per_million: 1_600_000,
    context_tokens: 128_000,
    max_output_tokens: 8192,
    tiers: [],
  });
  const [first = '', ...rest] = (after ?? '').split(/^ {2}providers:\n.*\n.*\n.*\n/m);
  assert.equal(first + rest.join(''), before, 'four lines more, and nothing else');
});

test('what was there and is not given stays: limits, other models, other providers, their comments', () => {
  const before = `llm:
  providers:
    openai: # ours
      base_url: https://proxy.example/v1
      models:
        New: { context_tokens: 77, input_usd_per_million: 9, output_usd_per_million: 9 } # by contract
        other: { input_usd_per_million: 1, output_usd_per_million: 1 }
`;
  const after = editOwnModels(before, [change('new')]);
  assert.deepEqual(Object.keys(modelsIn(after)), ['New', 'other'], 'another spelling is the same model');
  assert.equal(modelsIn(after).New?.context_tokens, 77);
  assert.equal(modelsIn(after).New?.input_usd_per_million, 400_000);
  assert.match(after ?? '', /openai: # ours/);
  assert.match(after ?? '', /# by contract/);
  assert.match(after ?? '', /base_url: https:\/\/proxy\.example\/v1/);
});

test('the same again changes nothing', () => {
  const once = editOwnModels('', [change('m')]);
  assert.ok(once);
  assert.equal(editOwnModels(once, [change('m')]), null);
  assert.equal(editOwnModels(once, [change('M')]), null);
});

test('a price that is taken away goes', () => {
  const once = editOwnModels('', [change('m', { cache_read_usd_per_million: 0.1 })]);
  const after = editOwnModels(once ?? '', [change('m', { cache_read_usd_per_million: undefined })]);
  assert.equal(modelsIn(after).m?.cache_read_usd_per_million, undefined);
});

test('every other line stays as it was, whatever the order, the style and the end of the file', () => {
  const rest = '\n# after\nbudget: { daily_usd: 5 } # b\n';
  for (const llm of [
    'llm:\n    default_model: a/b # d',
    'llm:\n  providers:\n    openai: { base_url: https://p.example }',
    'llm:\n  providers:\n    other:\n      base_url: https://p.example # o\n      # end of other',
    'llm:\n  providers:\n    openai:\n      models:\n        "a:b": { input_usd_per_million: 1, output_usd_per_million: 1 }',
    'llm:\n  failover:\n    a/b:\n      - c/d\n      - e/f # last',
  ])
    for (const before of [`${llm}${rest}`, `# first${rest}${llm}`]) {
      const after = editOwnModels(before, [change('x:y'), change('z')]) ?? '';
      assert.equal(modelsIn(after)['x:y']?.input_usd_per_million, 400_000, before);
      assert.equal(modelsIn(after).z?.input_usd_per_million, 400_000, before);
      const lines = new Set(after.split('\n'));
      if (!llm.includes('openai: {'))
        for (const line of before.split('\n')) assert.ok(lines.has(line), after);
    }
});

test('an empty file, an empty llm, an empty list of providers', () => {
  for (const text of [
    '',
    '# only this\n',
    'llm:\n',
    'llm:\n  providers:\n',
    'llm: { providers: { openai: {} } }',
  ])
    assert.ok(modelsIn(editOwnModels(text, [change('m')])).m, text);
});

test('nothing is written that is no valid configuration', () => {
  for (const text of ['llm: 5', 'llm:\n  providers: []', 'a: &a 1\na: 2', '{', 'unknown: 1'])
    assert.throws(
      () => editOwnModels(text, [change('m')]),
      { code: 'bad_request', rule: 'cli.models' },
      text,
    );
  for (const bad of [
    change('a b'),
    change('m', { input_usd_per_million: -1 }),
    change('m', { max_output_tokens: 0 }),
  ])
    assert.throws(() => editOwnModels('', [bad]), { code: 'bad_request' });
});
