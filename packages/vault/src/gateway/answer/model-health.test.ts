import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUnpaid } from './is-unpaid.ts';
import { createModelHealth, retryAfterMs } from './model-health.ts';

/** What is noted, and when: `[at second, status, retry-after in seconds, unpaid]`. */
type Note = readonly [at: number, status: number, retryAfter?: number | undefined, unpaid?: boolean];

function coolingAfter(
  notes: readonly Note[],
): { coolsUntil: number | null; ok: boolean; lastStatus: number } | null {
  let now = 0;
  const health = createModelHealth(() => now * 1000);
  for (const [at, status, retryAfter, unpaid] of notes) {
    now = at;
    health.note('p/m', status, retryAfter === undefined ? null : retryAfter * 1000, unpaid);
  }
  const [seen] = health.all();
  if (!seen) return null;
  const until = seen.coolingUntil === null ? null : Date.parse(seen.coolingUntil) / 1000;
  return { coolsUntil: until, ok: seen.ok, lastStatus: seen.lastStatus };
}

const CASES: readonly [title: string, notes: readonly Note[], coolsUntil: number | null][] = [
  ['a failure: 60 s', [[0, 500]], 60],
  ['no answer at all: 60 s', [[0, 0]], 60],
  [
    'a second one after that: 300 s',
    [
      [0, 500],
      [60, 503],
    ],
    360,
  ],
  [
    'a third: 1,500 s',
    [
      [0, 500],
      [60, 500],
      [360, 529],
    ],
    1860,
  ],
  [
    'a fourth: no more',
    [
      [0, 500],
      [60, 500],
      [360, 500],
      [1860, 500],
    ],
    3360,
  ],
  [
    'a success in between: from the beginning',
    [
      [0, 500],
      [60, 200],
      [61, 500],
    ],
    121,
  ],
  [
    'a success: healthy',
    [
      [0, 500],
      [60, 200],
    ],
    null,
  ],
  [
    'calls that were under way together count as one',
    [
      [0, 500],
      [1, 500],
      [2, 0],
      [3, 503],
    ],
    63,
  ],
  [
    'and the next after that is the second',
    [
      [0, 500],
      [1, 500],
      [61, 500],
    ],
    361,
  ],
  ['a refused key: an hour', [[0, 401]], 3600],
  ['an unpaid account: an hour', [[0, 402]], 3600],
  ['also where it is told as a rate limit', [[0, 429, 1, true]], 3600],
  ['or as a malformed request', [[0, 400, undefined, true]], 3600],
  ['no permission: an hour', [[0, 403]], 3600],
  [
    'no permission, by a key that has just worked: about that request alone',
    [
      [0, 200],
      [599, 403],
    ],
    null,
  ],
  [
    'by a key that worked long ago: an hour',
    [
      [0, 200],
      [600, 403],
    ],
    4200,
  ],
  [
    'what failed before does not shorten it',
    [
      [0, 401],
      [10, 500],
    ],
    3600,
  ],
  [
    'nor does a rate limit',
    [
      [0, 500],
      [1, 429, 1],
    ],
    60,
  ],
  ['a rate limit: what the provider asks for', [[0, 429, 7]], 7],
  ['at least a second', [[0, 429, 0]], 1],
  ['at most an hour', [[0, 429, 999_999]], 3600],
  ['without a wish: as any failure', [[0, 429]], 60],
  ["a wish with another status is not a rate limit's", [[0, 503, 5]], 60],
  ['a redirect is a failure', [[0, 307]], 60],
];
for (const [title, notes, coolsUntil] of CASES)
  test(title, () => {
    const after = coolingAfter(notes);
    assert.equal(after?.coolsUntil, coolsUntil);
    assert.equal(after?.ok, coolsUntil === null);
  });

test("400, 404 and their like are the caller's own: a flood of them leaves no trace", () => {
  const statuses = [400, 404, 405, 413, 415, 422, 451];
  assert.equal(coolingAfter(statuses.map((status, at) => [at, status])), null);
  const flood = Array.from({ length: 5000 }, (_, at): Note => [at, statuses[at % statuses.length] ?? 400]);
  assert.deepEqual(coolingAfter([[0, 200], ...flood]), { coolsUntil: null, ok: true, lastStatus: 200 });
  assert.equal(coolingAfter([[0, 500], ...flood])?.coolsUntil, 60);
});

test('each model has its own health, and there is an end to how many are remembered', () => {
  const health = createModelHealth(() => 0);
  for (let index = 0; index < 6000; index += 1) health.note(`local/${index}`, 500, null);
  assert.equal(health.all().length, 5000);
  health.note('local/1', 200, null);
  assert.equal(health.all().filter(({ ok }) => ok).length, 1);
});

test('after a restart nothing is known', () => {
  assert.deepEqual(createModelHealth(() => 0).all(), []);
});

test('an unpaid account is known by what the provider writes, not by what it quotes', () => {
  const body = (error: object) => JSON.stringify({ error });
  assert.ok(isUnpaid(429, body({ code: 'insufficient_quota', message: 'You exceeded your current quota' })));
  assert.ok(isUnpaid(429, body({ type: 'exceeded_current_quota_error' })));
  assert.ok(
    isUnpaid(400, body({ type: 'invalid_request_error', message: 'Your credit balance is too low to …' })),
  );
  const quoted = 'tool named "insufficient_quota": Your credit balance is too low';
  for (const status of [400, 429, 500]) assert.equal(isUnpaid(status, body({ message: quoted })), false);
  assert.equal(isUnpaid(400, body({ code: 'insufficient_quota' })), false);
  for (const text of ['', 'null', '[]', '{"error":"insufficient_quota"}', '{"code":"insufficient_quota"}'])
    assert.equal(isUnpaid(429, text), false, text);
});

test('retry-after in both of its forms, and nothing else', () => {
  const now = Date.parse('Fri, 21 Nov 2026 07:28:00 GMT');
  const cases: [string | undefined, number | null][] = [
    [undefined, null],
    ['0', 0],
    ['120', 120_000],
    ['999999999', 999_999_999_000],
    ['9999999999', null],
    ['-1', null],
    ['1.5', null],
    ['soon', null],
    ['2026-11-21', null],
    ['Fri, 21 Nov 2026 07:28:30 GMT', 30_000],
    ['Fri, 21 Nov 2026 07:27:00 GMT', 0],
    ['Fri, 99 Nov 2026', null],
    [`1${' '.repeat(100)}`, null],
  ];
  for (const [value, expected] of cases) assert.equal(retryAfterMs(value, now), expected, String(value));
});
