import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compilePattern } from './compile-pattern.ts';
import { parsePattern } from './parse-pattern.ts';
import { createPattern, PATTERN_TEXT_CHARACTERS } from './pattern.ts';
import { runPattern } from './run-pattern.ts';

test('plain text is contained as it is written, its signs without meaning', () => {
  assert.deepEqual(createPattern('a.c*').match('xa.c*x'), ['a.c*']);
  assert.equal(createPattern('a.c*').match('abc'), null);
  assert.deepEqual(createPattern('a/b').match('a/b'), ['a/b']);
});

test('groups are numbered as they open; one that took no part is empty', () => {
  assert.deepEqual(createPattern('/(\\w+)@((\\w+)\\.(com|org))(x)?/').match('to ann@site.org now'), [
    'ann@site.org',
    'ann',
    'site.org',
    'site',
    'org',
    '',
  ]);
});

test('flags: case, lines, dot', () => {
  assert.ok(createPattern('/^HELLO [a-c]$/i').match('hello B'));
  assert.ok(createPattern('/^two$/m').match('one\ntwo\nthree'));
  assert.equal(createPattern('/^two$/').match('one\ntwo'), null);
  assert.ok(createPattern('/a.b/s').match('a\nb'));
  assert.throws(() => createPattern('/a/g'), /flags may be/);
  assert.throws(() => createPattern('/a/ii'), /flags may be/);
});

test('what cannot run in linear time, or does not parse, is refused', () => {
  for (const [written, message] of [
    ['/(a)\\1/', /reference back/],
    ['/(?=a)b/', /look-around/],
    ['/(?<!a)b/', /look-around/],
    ['/(?<name>a)/', /names/],
    ['/(a/', /Unterminated group/],
    ['/a{2000}/', /repeat count/],
    ['/(?:(?:a{99}){99}){99}/', /too large/],
    [`/${'('.repeat(40)}a${')'.repeat(40)}/`, /nested/],
  ] as const)
    assert.throws(() => createPattern(written), { name: 'SyntaxError', message }, written);
});

test('expressions that make a backtracking engine run for ever end after size × text steps', () => {
  const text = `${'a'.repeat(PATTERN_TEXT_CHARACTERS - 1)}!`;
  for (const written of [
    '/^(a+)+$/',
    '/^(a|a)*$/',
    '/^(a|aa)+$/',
    '/(.*)(.*)(.*)(.*)(.*)x/',
    '/^(([a-z])+.)+[A-Z]$/',
  ]) {
    let tests = 0;
    const program = compilePattern(parsePattern(written.slice(1, -1), ''));
    const counted = program.steps.map((step) =>
      step.type === 'character'
        ? {
            ...step,
            test: (character: string) => {
              tests += 1;
              return step.test(character);
            },
          }
        : step,
    );
    assert.equal(runPattern({ ...program, steps: counted }, text), null, written);
    assert.ok(tests <= program.steps.length * (text.length + 1), `${written}: ${tests}`);
  }
});

test('what lies beyond the characters looked at cannot match', () => {
  assert.equal(createPattern('/end/').match(`${'x'.repeat(PATTERN_TEXT_CHARACTERS)}end`), null);
});

test('agrees with the native engine on the expressions both accept', () => {
  const leaf = fc.constantFrom('a', 'b', 'c', '.', '[ab]', '[^a]', '\\w', '\\b', '^', '$');
  const { node } = fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      leaf,
      fc.tuple(tie('node'), tie('node')).map(([left, right]) => left + right),
      fc.tuple(tie('node'), tie('node')).map(([left, right]) => `(?:${left}|${right})`),
      tie('node').map((inner) => `(${inner})`),
      // A quantifier over something that can be empty is where engines differ in what a group holds.
      fc
        .tuple(
          fc.constantFrom('a', 'b', '[ab]', '(?:ab|c)', '(?:a|ab)'),
          fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '*?', '+?', '??'),
        )
        .map((pair) => pair.join('')),
    ),
  }));
  fc.assert(
    fc.property(node, fc.stringMatching(/^[abc \n]{0,12}$/), (source, text) => {
      const native = new RegExp(source, 'u').exec(text);
      const expected = native ? Array.from(native, (group) => group ?? '') : null;
      assert.deepEqual(createPattern(`/${source}/`).match(text), expected);
    }),
    { numRuns: 3000 },
  );
});
