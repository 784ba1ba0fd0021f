import assert from 'node:assert/strict';
import { test } from 'node:test';
import { integer, listOf, mapOf, nullable, oneOf, strictObject, text } from './strict-parser.ts';

const parse = strictObject<{ name: string; count: number }>({ name: text(5), count: integer(0, 10) });

test('exactly the declared keys are taken', () => {
  assert.deepEqual(parse({ name: 'abc', count: 3 }, ''), { name: 'abc', count: 3 });
  const wrong = [
    { name: 'abc' },
    { name: 'abc', count: 3, more: 1 },
    JSON.parse('{"name":"abc","count":3,"__proto__":{}}'),
    Object.create({ name: 'abc', count: 3 }),
    [],
    null,
    'x',
  ];
  for (const value of wrong) assert.throws(() => parse(value, ''), { code: 'bad_request' });
});

test('numbers are whole, exact and in range', () => {
  for (const value of [-1, 11, 1.5, Number.NaN, Infinity, '3', null, [3], true, 2 ** 53])
    assert.throws(() => integer(0, 10)(value, 'n'), { code: 'bad_request' });
  assert.ok(Object.is(integer(0)(-0, 'n'), 0));
});

test('strings, choices, lists and maps are bounded', () => {
  assert.throws(() => text(3)('abcd', ''));
  assert.throws(() => text(3)(['a'], ''));
  assert.throws(() => oneOf('a', 'b')('c', ''));
  assert.throws(() => listOf(integer(0), 2)([1, 2, 3], ''));
  assert.throws(() => listOf(integer(0), 2)({ length: 1 }, ''));
  assert.throws(() => mapOf(text(9), integer(0), 1)({ a: 1, b: 2 }, ''));
  assert.equal(nullable(integer(0))(null, ''), null);
});

test('a refusal names the place and never the value nor a key that is not ours', () => {
  for (const value of [
    { name: 'sk-secret', count: 3 },
    { name: 'a', 'sk-secret': 3 },
  ])
    assert.throws(
      () => parse(value, 'args'),
      (error: Error) => !error.message.includes('sk-') && error.message.includes('args'),
    );
});
