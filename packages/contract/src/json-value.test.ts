import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonValue } from './json-value.ts';

test('deep, infinite and prototype-bearing JSON is refused without a crash; the rest passes as it is', () => {
  const deep = (levels: number) => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`);
  assert.equal(JsonValue.safeParse(deep(100_000)).success, false);
  assert.equal(JsonValue.safeParse(deep(65)).success, false);
  assert.equal(JsonValue.safeParse(deep(64)).success, true);
  assert.equal(JsonValue.safeParse(JSON.parse('1e999')).success, false);
  assert.equal(JsonValue.safeParse(JSON.parse('{"a":[{"__proto__":1}]}')).success, false);
  assert.equal(JsonValue.safeParse(undefined).success, false);
  const value = { a: [null, true, 1.5, 'x', { constructor: 1 }] };
  assert.deepEqual(JsonValue.parse(value), value);
});
