import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesPattern } from './match-pattern.ts';

const CASES: [pattern: string, key: string, covered: boolean][] = [
  ['bob', 'bob', true],
  ['bob', 'bobby', false],
  ['bob', 'Bob', false],
  ['*', 'bob', true],
  ['*', 'a/b', false],
  ['**', 'a/b', true],
  ['tasks/*', 'tasks/a', true],
  ['tasks/*', 'tasks/a/b', false],
  ['tasks/**', 'tasks/a/b', true],
  ['tasks/*', 'tasks', false],
  ['tasks/**', 'tasks', false],
  ['*/b', 'a/b', true],
  ['a*c', 'abc', true],
  ['a*c', 'a/c', false],
  ['a**c', 'a/x/c', true],
  ['context/prospect_*', 'context/prospect_1', true],
  ['context/prospect_*', 'context/prospect_1/x', false],
  ['.', '.', false],
  ['**', '', false],
  ['**', 'a//b', false],
  ['**', 'a/../b', false],
  ['**', './a', false],
  ['**', 'a/', false],
  ['**', '/a', false],
  ['**', 'a\u0000b', false],
  ['**', 'a\nb', false],
  ['**', 'a'.repeat(513), false],
  ['', 'a', false],
  ['?', 'a', false],
  ['[ab]', 'a', false],
  ['{a,b}', 'a', false],
  ['a+', 'aa', false],
  ['caf\u00e9', 'cafe\u0301', true],
  ['***', 'a/b', true],
  ['tasks/*/x', 'tasks/a/x', true],
  ['tasks/*/x', 'tasks/a/b/x', false],
  ['tasks/**/x', 'tasks/x', false],
  ['Tasks/*', 'tasks/a', false],
  ['**', 'a*', false],
  ['a*', 'a*', false],
  ['**', 'a\\b', false],
  ['**', 'a\ud800', false],
  ['a\ud800*', 'a\ud800', false],
  ['**', 'a\u202eb', false],
  ['**', 'a\u200bb', false],
  ['**', 'a\ufe0f', false],
  ['**', 'a\u{e0041}', false],
  ['**', 'a\u00a0b', false],
  ['**', 'a b', true],
  ['**', 'a/ b', false],
  ['**', 'a ', false],
  ['**', 'a.', false],
  ['**', 'a./b', false],
  ['**', 'a.b', true],
  ['**', 'a\uff0fb', false],
  ['**', 'a\u2044b', false],
  ['**', 'a\u2215b', false],
  ['**', '\uff0e\uff0e/b', false],
  ['**', '\ufb01le', false],
  ['**', '\u65e5\u672c/\u{1f600}', true],
  ['\u65e5*/\u{1f600}', '\u65e5\u672c/\u{1f600}', true],
  ['**', 'a'.repeat(4096), false],
  ['**', 'a'.repeat(512), true],
];

test('patterns cover what the table says', () => {
  for (const [pattern, key, covered] of CASES) {
    assert.equal(matchesPattern(pattern, key), covered, `${pattern} ~ ${JSON.stringify(key)}`);
  }
});

/** The definition, read out loud: slow and obvious. */
function reference(pattern: string, key: string): boolean {
  if (pattern === '') return key === '';
  if (pattern.startsWith('**')) {
    const rest = pattern.replace(/^\*+/, '');
    return Array.from({ length: key.length + 1 }, (_, at) => at).some((at) => reference(rest, key.slice(at)));
  }
  if (pattern.startsWith('*')) {
    const end = key.includes('/') ? key.indexOf('/') : key.length;
    return Array.from({ length: end + 1 }, (_, at) => at).some((at) =>
      reference(pattern.slice(1), key.slice(at)),
    );
  }
  return key[0] === pattern[0] && reference(pattern.slice(1), key.slice(1));
}

test('property: agrees with the definition', () => {
  const pattern = fc
    .array(fc.constantFrom('a', 'b', '/', '*', '**'), { maxLength: 7 })
    .map((parts) => parts.join(''));
  const key = fc
    .array(fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 3 }), {
      minLength: 1,
      maxLength: 3,
    })
    .map((segments) => segments.map((segment) => segment.join('')).join('/'));
  fc.assert(
    fc.property(pattern, key, (wanted, given) => {
      assert.equal(matchesPattern(wanted, given), reference(wanted, given));
    }),
    { numRuns: 2000 },
  );
});

test('property: without `**` a pattern never covers more segments than it has', () => {
  const part = fc.constantFrom('a', 'b', '*', 'a*', '*b');
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 4 }),
      fc.array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 5 }),
      (pattern, key) => {
        if (matchesPattern(pattern.join('/'), key.join('/'))) assert.equal(pattern.length, key.length);
      },
    ),
  );
});

test('a pattern made to backtrack takes no longer than any other', () => {
  assert.equal(matchesPattern(`${'a*'.repeat(90)}b`, 'a'.repeat(512)), false);
});
