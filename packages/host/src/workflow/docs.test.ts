import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadWorkflow } from './load-workflows.ts';
import { POLICIES, SITUATIONS } from './test/semantic-rows.ts';

const docs = readFileSync(new URL('../../../../docs/workflows.md', import.meta.url), 'utf8');

test('the example of docs/workflows.md can be loaded', () => {
  const text = /```yaml\n([\s\S]*?)```/.exec(docs)?.[1] ?? '';
  const agents = new Map([
    ['research', { capabilities: [] }],
    ['outreach', { capabilities: ['prose'] }],
  ]);
  const loaded = loadWorkflow({ file: 'docs/workflows.md', text, agents });
  assert.ok(loaded.ok, JSON.stringify(loaded));
});

test('the table of docs/workflows.md has the rows that are tested, and no other', () => {
  const rows = docs.split('\n').filter((line) => /^\| (?:abort|retry|skip|fallback|continue) \|/.test(line));
  assert.equal(rows.length, POLICIES.length * SITUATIONS.length);
  assert.equal(new Set(rows).size, rows.length);
});
