import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlackboardVersion } from '@openlegion/contract/blackboard';
import type { JsonValue } from '@openlegion/contract/json-value';
import fc from 'fast-check';
import type { Routed } from '../router/router.ts';
import { type Blackboard, createBlackboard } from './blackboard.ts';
import { BLACKBOARD_LIMITS } from './blackboard-limits.ts';
import { openParts, type Parts } from './test/open-parts.ts';

const NS = 'team/sales';
const BY = { namespace: NS, writer: 'alice', traceId: 'trc_1', limited: true };
const HOUR = 3_600_000;

function open(limits = {}): Parts & {
  board: Blackboard;
  set: (key: string, value: JsonValue, more?: object) => Promise<Routed<BlackboardVersion>>;
} {
  const parts = openParts();
  const board = createBlackboard({ ...parts, limits: { ...BLACKBOARD_LIMITS, ...limits } });
  return { ...parts, board, set: (key, value, more = {}) => board.set({ ...BY, key, value, ...more }) };
}

const ruleOf = (answer: Routed<unknown>) => (answer.ok ? 'ok' : answer.refusal.rule);
const shown = (answer: Routed<BlackboardVersion>) => (answer.ok ? answer.value.value : undefined);
const versionOf = (answer: Routed<BlackboardVersion>) => (answer.ok ? answer.value.version : undefined);

test('each version has its writer and trace; compare-and-swap writes only over what was read', async () => {
  using parts = open();
  assert.equal(versionOf(await parts.set('context/a', { n: 1 }, { ifVersion: 0 })), 1);
  assert.equal(ruleOf(await parts.set('context/a', 2, { ifVersion: 0 })), 'blackboard.version');
  assert.equal(versionOf(await parts.set('context/a', 2, { ifVersion: 1, writer: 'bob' })), 2);
  const versions = parts.board.versions({ namespace: NS, key: 'context/a', limit: 10 });
  assert.ok(versions.ok);
  assert.deepEqual(
    versions.value.versions.map(({ version, writer, traceId, value }) => [version, writer, traceId, value]),
    [
      [2, 'bob', 'trc_1', 2],
      [1, 'alice', 'trc_1', { n: 1 }],
    ],
  );
});

test('of writers who read the same version exactly one wins', async () => {
  using parts = open();
  await parts.set('k', 0);
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) => parts.set('k', n, { ifVersion: 1 })),
  );
  assert.equal(answers.filter(({ ok }) => ok).length, 1);
});

test('what has expired is absent to everyone, before anything is collected, in every reading', async () => {
  using parts = open();
  await parts.set('k', 'secret', { ttlMs: 1000 });
  parts.clock.advance(999);
  assert.equal(shown(parts.board.get(NS, 'k')), 'secret');
  parts.clock.advance(1);
  assert.equal(ruleOf(parts.board.get(NS, 'k')), 'blackboard.entry');
  assert.deepEqual(parts.board.list({ namespace: NS, prefix: '', limit: 10 }).entries, []);
  const versions = parts.board.versions({ namespace: NS, key: 'k', limit: 10 });
  assert.ok(!JSON.stringify(versions).includes('secret'));
  assert.equal(ruleOf(await parts.set('k', 1, { ifVersion: 1 })), 'blackboard.version');
  assert.equal(ruleOf(await parts.board.delete({ ...BY, key: 'k' })), 'blackboard.entry');
  // Neither undo nor a watch from before brings it back.
  assert.equal(
    ruleOf(await parts.board.undo({ namespace: NS, key: 'k', toVersion: 1, operator: 'o' })),
    'blackboard.undo',
  );
  const stop = new AbortController();
  const watching = parts.board.watch({ namespace: NS, prefix: '', after: 0, signal: stop.signal });
  assert.ok(watching.ok);
  const first = await watching.value.next();
  assert.deepEqual([first.value?.change, first.value?.value], ['expired', null]);
  stop.abort();
  assert.equal(versionOf(await parts.set('k', 2, { ifVersion: 0 })), 2);
});

test('a key that was deleted, expired and collected never starts at an old version again', async () => {
  using parts = open();
  for (let n = 0; n < 5; n += 1) await parts.set('k', n);
  await parts.board.delete({ ...BY, key: 'k' });
  parts.clock.advance(30 * 24 * HOUR);
  while ((await parts.board.collect()) > 0);
  assert.deepEqual(parts.database.all('SELECT * FROM blackboard_version'), []);
  assert.equal(ruleOf(await parts.set('k', 1, { ifVersion: 5 })), 'blackboard.version');
  assert.equal(versionOf(await parts.set('k', 1, { ifVersion: 0 })), 7);
  assert.equal(Number(parts.database.get('SELECT SUM(bytes) AS n FROM blackboard_usage')?.n) > 0, true);
});

test('history/ is append-only: no delete, expiry, undo or collection, and the database itself refuses', async () => {
  using parts = open({ keptVersions: 2 });
  for (let n = 0; n < 5; n += 1) assert.ok((await parts.set('history/a', n)).ok);
  const rule = 'blackboard.history_append_only';
  assert.equal(ruleOf(await parts.set('history/a', 1, { ttlMs: 1000 })), rule);
  assert.equal(ruleOf(await parts.board.delete({ ...BY, key: 'history/a' })), rule);
  assert.equal(ruleOf(await parts.board.undo({ namespace: NS, key: 'history/a', operator: 'o' })), rule);
  parts.clock.advance(400 * 24 * HOUR);
  await parts.board.collect();
  const versions = parts.board.versions({ namespace: NS, key: 'history/a', limit: 10 });
  assert.ok(versions.ok);
  assert.deepEqual(
    versions.value.versions.map(({ value }) => value),
    [4, 3, 2, 1, 0],
  );
  for (const sql of [
    'DELETE FROM blackboard_version',
    "UPDATE blackboard_version SET value = '9'",
    'DELETE FROM blackboard_head',
  ])
    await assert.rejects(
      parts.database.write((transaction) => transaction.run(sql)),
      sql,
    );
  // What only looks like it is an ordinary key; another spelling of it is none.
  assert.ok((await parts.set('History/a', 1)).ok);
  assert.ok((await parts.board.delete({ ...BY, key: 'History/a' })).ok);
  for (const spelling of ['history//a', './history/a', 'x/../history/a', 'history\u2044a', 'ｈistory/a'])
    assert.equal(ruleOf(await parts.board.delete({ ...BY, key: spelling })), 'blackboard.key');
});

test('undo makes the version before current again, as a new version in the audit log', async () => {
  using parts = open();
  const undo = (toVersion?: number) =>
    parts.board.undo({
      namespace: NS,
      key: 'k',
      operator: 'operator:ana',
      ...(toVersion === undefined ? {} : { toVersion }),
    });
  await parts.set('k', 'good');
  await parts.set('k', 'bad');
  assert.equal(shown(await undo()), 'good');
  assert.equal(versionOf(parts.board.get(NS, 'k')), 3);
  await parts.board.delete({ ...BY, key: 'k' });
  assert.equal(shown(await undo()), 'good');
  assert.ok((await undo(0)).ok);
  assert.equal(ruleOf(parts.board.get(NS, 'k')), 'blackboard.entry');
  assert.equal(ruleOf(await undo(99)), 'blackboard.undo');
  assert.deepEqual(parts.audited(), ['blackboard.undone', 'blackboard.undone', 'blackboard.undone']);
  // A value with a term comes back for the rest of its term only.
  await parts.set('t', 1, { ttlMs: 10_000 });
  await parts.set('t', 2);
  await parts.board.undo({ namespace: NS, key: 't', operator: 'o' });
  assert.equal(shown(parts.board.get(NS, 't')), 1);
  parts.clock.advance(10_000);
  assert.equal(ruleOf(parts.board.get(NS, 't')), 'blackboard.entry');
});

test('values, keys, and what one agent has are bounded; old versions give way, deletions are always possible', async () => {
  using parts = open({ valueBytes: 1000, writerBytes: 5000 });
  assert.equal(ruleOf(await parts.set('k', 'x'.repeat(999))), 'blackboard.value_bytes');
  assert.equal(ruleOf(await parts.set('k', 'é'.repeat(500))), 'blackboard.value_bytes');
  assert.equal(ruleOf(await parts.set('k'.repeat(513), 1)), 'blackboard.key');
  for (let n = 0; n < 40; n += 1) assert.ok((await parts.set('same', 'x'.repeat(900))).ok, `write ${n}`);
  const filled: string[] = [];
  for (let n = 0; ruleOf(await parts.set(`k${n}`, 'x'.repeat(900))) === 'ok'; n += 1) filled.push(`k${n}`);
  assert.equal(filled.length, 3);
  assert.equal(ruleOf(await parts.set('more', 'x'.repeat(900))), 'blackboard.writer_bytes');
  // Another agent is not touched by it.
  assert.ok((await parts.set('other', 'x'.repeat(900), { writer: 'bob' })).ok);
  for (const key of filled) assert.ok((await parts.board.delete({ ...BY, key })).ok);
  assert.ok((await parts.set('more', 'x'.repeat(900))).ok);
  for (let n = 0; n < 100; n += 1) {
    assert.ok((await parts.set(`flood/${n}`, 1)).ok, `${n}`);
    assert.ok((await parts.board.delete({ ...BY, key: `flood/${n}` })).ok);
  }
  const counted = parts.database.get(
    'SELECT SUM(bytes) AS n FROM blackboard_version WHERE writer = ?',
    'alice',
  );
  const noted = parts.database.get('SELECT bytes AS n FROM blackboard_usage WHERE writer = ?', 'alice');
  assert.equal(counted?.n, noted?.n);
});

test('namespaces do not meet, and a prefix is a prefix of characters, whatever stands in it', async () => {
  using parts = open();
  await parts.set('a/b', 1);
  await parts.set('a%b', 2);
  await parts.set('a_b', 3);
  await parts.set('A/b', 4);
  await parts.set('a/\u{1f600}', 5);
  await parts.set('a/b', 6, { namespace: 'team/other' });
  const list = (prefix: string) =>
    parts.board.list({ namespace: NS, prefix, limit: 10 }).entries.map(({ key }) => key);
  assert.deepEqual(list('a/'), ['a/b', 'a/\u{1f600}']);
  assert.deepEqual(list('a%'), ['a%b']);
  assert.deepEqual(list("' OR 1=1 --"), []);
  assert.equal(shown(parts.board.get('team/other', 'a/b')), 6);
  assert.equal(ruleOf(parts.board.get('fleet', 'a/b')), 'blackboard.entry');
  const paged: string[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const page = parts.board.list({ namespace: NS, prefix: '', after: after ?? undefined, limit: 2 });
    paged.push(...page.entries.map(({ key }) => key));
    after = page.next;
  }
  assert.deepEqual(paged, ['A/b', 'a%b', 'a/b', 'a/\u{1f600}', 'a_b']);
});

test('naughty texts come back as they were', async () => {
  using parts = open();
  const texts = ['\u0000', '\ud800', "'; DROP TABLE blackboard_head; --", '\u202e', '{"__proto__":1}', 'é'];
  await parts.set('k', texts);
  assert.deepEqual(shown(parts.board.get(NS, 'k')), texts);
});

test('property: the blackboard does what a map with versions does, whatever the order of writes and of time', async () => {
  const key = fc.constantFrom('a', 'b', 'c/d');
  const version = fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined });
  const step = fc.oneof(
    fc.record({
      do: fc.constant('set' as const),
      key,
      version,
      ttlMs: fc.option(fc.constantFrom(1000, 5000), { nil: undefined }),
    }),
    fc.record({ do: fc.constant('delete' as const), key, version }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(500, 1000, 5000) }),
    fc.record({ do: fc.constant('collect' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      using parts = open();
      const model = new Map<string, { version: number; value: number; until: number }>();
      const last = new Map<string, number>();
      const live = (name: string) => {
        const entry = model.get(name);
        return entry && entry.until > parts.clock.now() ? entry : undefined;
      };
      for (const [index, one] of steps.entries()) {
        if (one.do === 'wait') parts.clock.advance(one.ms);
        else if (one.do === 'collect') await parts.board.collect();
        else {
          const current = live(one.key);
          const fits = one.version === undefined || one.version === (current?.version ?? 0);
          const expected = fits && (one.do === 'set' || current !== undefined);
          const done =
            one.do === 'set'
              ? await parts.set(one.key, index, { ifVersion: one.version, ttlMs: one.ttlMs })
              : await parts.board.delete({ ...BY, key: one.key, ifVersion: one.version });
          assert.equal(done.ok, expected);
          if (!done.ok) continue;
          assert.ok(done.value.version > (last.get(one.key) ?? 0), 'versions only grow');
          last.set(one.key, done.value.version);
          if (one.do === 'delete') model.delete(one.key);
          else {
            const until = one.ttlMs === undefined ? Number.POSITIVE_INFINITY : parts.clock.now() + one.ttlMs;
            model.set(one.key, { version: done.value.version, value: index, until });
          }
        }
        for (const name of ['a', 'b', 'c/d']) {
          const entry = live(name);
          assert.equal(shown(parts.board.get(NS, name)), entry?.value);
          assert.equal(versionOf(parts.board.get(NS, name)), entry?.version);
        }
      }
    }),
    { numRuns: Number(process.env.OPENLEGION_RUNS ?? 25) },
  );
});
