import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WorkspacePath } from './agent-api.ts';

test('a workspace path stays inside the workspace and looks like what it is', () => {
  const refused = [
    '',
    '/',
    '/etc/passwd',
    '..',
    '../x',
    'a/../b',
    'a/./b',
    'a//b',
    'a/',
    './a',
    'a\\b',
    'a\0b',
    'a\nb',
    'a\u202eb',
    'a\u200bb',
    '%2e%2e/a',
    ' a',
    'a ',
    'a/ b',
    'a/b/c/d/e/f/g/h/i',
    'x'.repeat(301),
    'a:b',
    'a|b',
    '~/$HOME',
  ];
  for (const path of refused)
    assert.equal(WorkspacePath.safeParse(path).success, false, JSON.stringify(path));
  for (const path of [
    'AGENTS.md',
    'notes/2026-11-21.md',
    'Ergebnis für München.csv',
    '結果.csv',
    '.hidden',
    'a/b/c/d/e/f/g/h',
  ]) {
    assert.equal(WorkspacePath.parse(path), path);
  }
});
