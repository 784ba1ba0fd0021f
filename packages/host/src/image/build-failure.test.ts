import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildFailure } from './build-failure.ts';

test('a failed build shows its last lines and what to do', () => {
  const error = buildFailure('the command failed', ['Step 1', 'E: broken']);
  assert.equal(error.code, 'upstream_failed');
  assert.match(error.message, /the command failed\.\nStep 1\nE: broken/);
});

test('a full disk and a missing network are known by their words', () => {
  assert.equal(buildFailure('write: no space left on device', []).code, 'disk_full');
  assert.match(buildFailure('apt', ['Temporary failure resolving']).remedy, /reaches Debian/);
});

test('what is shown is bounded', () => {
  const lines = Array.from({ length: 100 }, () => 'x'.repeat(300));
  assert.ok(buildFailure('it failed', lines).message.length <= 2000);
});
