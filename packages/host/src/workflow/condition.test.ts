import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkCondition, type Scope } from './condition.ts';

const scope: Scope = new Map([
  ['a', { type: 'object', properties: { status: { type: 'string' }, result: {} } }],
  [
    'n',
    { type: 'object', properties: { result: { type: 'object', properties: { x: { type: 'number' } } } } },
  ],
]);

function evaluate(text: string, result: unknown): unknown {
  const checked = checkCondition(text, scope);
  assert.ok(checked.ok, checked.ok ? '' : checked.message);
  const answer = checked.condition.evaluate(
    new Map([
      ['a', { status: 'done', result }],
      ['n', { result }],
    ]),
  );
  return answer.ok ? answer.value : answer.message;
}

test('conditions read results as JSON gives them', () => {
  for (const [text, result, expected] of [
    ['a.result.score >= 5', { score: 5 }, true],
    ['a.result.score == 5', { score: 5 }, true],
    ['a.result.score == 5.0', { score: 5 }, true],
    ['a.result.score + 1 > 5.5', { score: 5 }, true],
    ['a.result.score + 1.5 > 6', { score: 5 }, true],
    ['n.result.x == 5', { x: 5 }, true],
    ['n.result.x + 1 == 6', { x: 5 }, true],
    ['a.result.rows[0].k == "v" && size(a.result.rows) == 1', { rows: [{ k: 'v' }] }, true],
    ['a.result.big > 1', { big: 1e300 }, true],
    ['"x" in a.result', { x: 1 }, true],
    ['a.result.tags.all(t, t != "bad")', { tags: ['good'] }, true],
    ['has(a.result.none) || a.result.?none.orValue(7) == 7', {}, true],
    ['a.result == null', null, true],
    ['a.result.none == 1 || true', {}, true],
  ] as const)
    assert.equal(evaluate(text, result), expected, text);
});

test('what is missing or of another kind is an error in words, never false', () => {
  for (const [text, result, message] of [
    ['a.result.none == 1', {}, 'No such key: none'],
    ['a.result.none == 1', null, 'No such key: none'],
    ['a.result.x > 1', { x: 'two' }, 'no such overload'],
    ['a.result.x > 1', { x: null }, 'no such overload'],
    ['a.result', 'yes', 'neither true nor false'],
    ['a.result.rows[3] == 1', { rows: [] }, 'index out of bounds'],
    ['a.result.constructor == 1', {}, 'No such key'],
    ['a.result.__proto__ == 1', JSON.parse('{"x":{"__proto__":{"y":1}}}'), 'No such key'],
  ] as const) {
    const answer = evaluate(text, result);
    assert.ok(typeof answer === 'string' && answer.includes(message), `${text}: ${answer}`);
  }
});

test('what takes long, or reaches out of the language, is refused before it is ever evaluated', () => {
  for (const text of [
    'a.result.name.matches("(a+)+$")',
    'cel.bind(x, a.result + a.result, x + x == x)',
    'a.result.all(x, a.result.all(y, x == y))',
    'a.result.exists(x, a.result.filter(y, y == x).size() > 0)',
    `${'('.repeat(50)}true${')'.repeat(50)} && ${'!'.repeat(100)}true`,
    Array.from({ length: 200 }, () => 'a.result.x').join(' && '),
    `a.result in [${'1,'.repeat(150)}1]`,
    'timestamp(a.result) > timestamp("2026-01-01T00:00:00Z")',
    'constructor("return process")()',
    'a.result.toString() == "x"',
    'optional.of(1).value() == 1',
  ])
    assert.equal(checkCondition(text, scope).ok, false, text.slice(0, 80));
});

test('a loop over a long list is refused, its size is not', () => {
  const list = Array.from({ length: 1001 }, () => 'x');
  assert.equal(evaluate('size(a.result) > 1000', list), true);
  assert.match(`${evaluate('a.result.all(x, x == "x")', list)}`, /too long/);
  assert.equal(evaluate('a.result.all(x, x == "x")', list.slice(1)), true);
});

test('property: any text is refused or gives a condition, and any condition an answer', () => {
  const word = fc.constantFrom(
    ...'a n .result .status .x == != < >= && || ! ( ) [ ] , 1 2.5 "s" null true in size has .exists( x, ? : + - { }'.split(
      ' ',
    ),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(word).map((words) => words.join(' ')),
        fc.string(),
      ),
      fc.jsonValue(),
      (text, result) => {
        const checked = checkCondition(text, scope);
        if (!checked.ok) return checked.message.length > 0 && checked.at >= 0;
        const answer = checked.condition.evaluate(new Map([['a', { status: 'done', result }]]));
        return answer.ok ? typeof answer.value === 'boolean' : answer.message.length > 0;
      },
    ),
    { numRuns: Number(process.env.OPENLEGION_RUNS ?? 300) },
  );
});
