import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { normalKey } from './normal-key.ts';

test('property: a key that passes is its own normal form, in one spelling, with plain segments', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
      const key = normalKey(text);
      if (key === null) return;
      assert.equal(normalKey(key), key);
      assert.equal(normalKey(text.normalize('NFD')), key);
      assert.equal(key.normalize('NFKC'), key);
      assert.doesNotMatch(key, /[\p{Cc}\p{Cf}\p{Cs}*\\]/u);
      for (const segment of key.split('/')) assert.ok(segment !== '' && segment !== '.' && segment !== '..');
    }),
    { numRuns: 5000 },
  );
});

test('what is long is refused without being normalised first', () => {
  assert.equal(normalKey('\u0344'.repeat(1_000_000)), null);
});
