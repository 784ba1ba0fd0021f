import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseJson } from './parse-json.ts';

const parse = (text: string) => parseJson(Buffer.from(text));
const refused = { code: 'bad_request', rule: 'llm.json' };

test('reads what JSON.stringify writes', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const text = JSON.stringify(value);
      if (text.includes('"__proto__"')) return;
      if (/(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/.test(text) || !text.isWellFormed()) return;
      let mine: string;
      try {
        mine = JSON.stringify(parse(text));
      } catch (error) {
        assert.match(String(error), /surrogate|too large/);
        return;
      }
      assert.equal(mine, JSON.stringify(JSON.parse(text)));
    }),
  );
});

test('accepts nothing that JSON.parse refuses, and reads the rest the same', () => {
  const characters = fc.constantFrom(...'{}[]",:\\/bfnrtu0129.eE+- \n\ttruefalsn\u0000\u00e9');
  fc.assert(
    fc.property(fc.string({ unit: characters, maxLength: 12 }), (text) => {
      let mine: unknown;
      try {
        mine = parse(text);
      } catch {
        return;
      }
      assert.equal(JSON.stringify(mine), JSON.stringify(JSON.parse(text)));
    }),
    { numRuns: 3000 },
  );
});

test('refuses what two parsers could read in two ways', () => {
  const cases = [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{"__proto__":{}}',
    '{"\\u005f_proto__":{}}',
    '"\\ud800"',
    '{"\\udc00":1}',
    '1e999',
    '-1e999',
    '9007199254740993',
    'NaN',
    'Infinity',
    '01',
    '+1',
    '1.',
    '.5',
    '0x10',
    "'a'",
    '[1,]',
    '{"a":1,}',
    '{a:1}',
    '[1] []',
    '// x\n1',
    '\ufeff1',
    '"a\tb"',
    '"\\x41"',
    '"\\u00g0"',
    '"open',
    '',
    ' ',
    `${'['.repeat(66)}${']'.repeat(66)}`,
    `[${'0,'.repeat(200_000)}0]`,
  ];
  for (const text of cases) assert.throws(() => parse(text), refused, text.slice(0, 40));
});

test('refuses bytes that are not UTF-8', () => {
  for (const bytes of [
    [0x22, 0xff, 0x22],
    [0x22, 0xc0, 0xaf, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
  ])
    assert.throws(() => parseJson(Buffer.from(bytes)), refused);
});

test('reads 8 MiB of one string, and of many escapes', () => {
  assert.equal(String(parse(JSON.stringify('x'.repeat(8_000_000)))).length, 8_000_000);
  assert.equal(String(parse(JSON.stringify('\n'.repeat(2_000_000)))).length, 2_000_000);
});

test('a key of the prototype is only data', () => {
  assert.deepEqual(JSON.stringify(parse('{"constructor":1,"toString":2}')), '{"constructor":1,"toString":2}');
});
