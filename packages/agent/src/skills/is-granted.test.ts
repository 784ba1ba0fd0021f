import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isGranted } from './is-granted.ts';

test('a tool’s own entry decides, else the first pattern; nothing is granted that no entry gives', () => {
  const granted = ['!mcp_fs_write_file', 'mcp_fs_*', '!mcp_*', 'read_x', '*_report'];
  const cases: [string, boolean][] = [
    ['mcp_fs_read_file', true],
    ['mcp_fs_write_file', false],
    ['mcp_other_read', false],
    ['read_x', true],
    ['read_xy', false],
    ['daily_report', true],
    ['daily_report_2', false],
    ['', false],
  ];
  for (const [name, expected] of cases) assert.equal(isGranted(granted, name), expected, name);
  assert.equal(isGranted([], 'x'), false);
  assert.equal(isGranted(['*'], 'anything'), true);
  assert.equal(isGranted(['a*b*c'], 'abc'), true);
  assert.equal(isGranted(['a*b*c'], 'axxbxxc'), true);
  assert.equal(isGranted(['ab*ba'], 'aba'), false);
  assert.equal(isGranted(['a*b*c'], 'acb'), false);
});

test('a hostile pattern is done in no time', () => {
  assert.equal(isGranted([`${'a*'.repeat(49)}b`], 'a'.repeat(64)), false);
});
