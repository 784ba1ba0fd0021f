import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { canonicalJson } from '../workflow/definition-hash.ts';
import type { Approval } from './approval-row.ts';
import { createEgressApprovals } from './egress-approvals.ts';
import { MOST_PENDING } from './insert-question.ts';
import { ANN, openApprovals } from './test/open-approvals.ts';

type Opened = ReturnType<typeof openApprovals>;

async function withApprovals(
  run: (opened: Opened, path: string) => Promise<void>,
  approvers?: readonly string[],
): Promise<void> {
  const home = mkdtempSync(`${tmpdir()}/openlegion-approvals-`);
  const path = `${home}/mesh.db`;
  const opened = openApprovals(path, approvers);
  try {
    await run(opened, path);
  } finally {
    opened.close();
    rmSync(home, { recursive: true, force: true });
  }
}

async function asked({ approvals, question }: Opened, changes: object = {}): Promise<Approval> {
  const done = await approvals.ask(question(changes));
  assert.ok(done.ok);
  return done.value;
}
const yes = ({ hash }: Approval) => ({ approve: true, hash, note: '' });
const tick = () => new Promise((resolve) => setImmediate(resolve));

test('without an approver nothing is asked, and the answer is no', () =>
  withApprovals(async ({ approvals, question, types }) => {
    const done = await approvals.ask(question());
    assert.ok(!done.ok && done.refusal.rule === 'approval.no_approver');
    assert.deepEqual(types(), []);
  }, []));

test('an approval is given once, by a named approver, for what was shown, and the waiting one hears of it', () =>
  withApprovals(async (opened) => {
    const { approvals, types } = opened;
    const question = await asked(opened);
    const waiting = approvals.settled(question.id);
    for (const [caller, answer, rule] of [
      [{ name: 'ann', role: 'operator' }, yes(question), 'approvals.approvers'],
      [{ name: 'bob', role: 'admin' }, yes(question), 'approvals.approvers'],
      [{ name: 'alice', role: 'approver' }, yes(question), 'approvals.approvers'],
      [ANN, { ...yes(question), hash: '0'.repeat(64) }, 'approval.hash'],
    ] as const) {
      const refused = await approvals.answer(question.id, answer, caller);
      assert.ok(!refused.ok && refused.refusal.rule === rule, rule);
    }
    const given = await approvals.answer(question.id, yes(question), ANN);
    assert.ok(given.ok);
    assert.deepEqual([(await waiting).status, (await waiting).by], ['approved', 'ann']);
    const again = await approvals.answer(question.id, { ...yes(question), approve: false }, ANN);
    assert.ok(!again.ok && again.refusal.rule === 'approval.answered');
    assert.equal(approvals.find(question.id)?.status, 'approved');
    const refusals = types().filter((type) => type === 'approval.answer_refused');
    assert.equal(refusals.length, 5);
    assert.deepEqual(
      types().filter((type) => type !== 'approval.answer_refused'),
      ['approval.asked', 'approval.approved'],
    );
  }));

test('who may not answer learns the same of a question that exists and one that does not', () =>
  withApprovals(async (opened) => {
    const question = await asked(opened);
    const bob = { name: 'bob', role: 'admin' } as const;
    const [one, other] = await Promise.all(
      [question.id, 'apr_none'].map((id) => opened.approvals.answer(id, yes(question), bob)),
    );
    assert.deepEqual(one, other);
  }));

test('the same key joins the question; another subject under it is refused', () =>
  withApprovals(async (opened) => {
    const first = await asked(opened);
    assert.equal((await asked(opened)).id, first.id);
    const other = await opened.approvals.ask(opened.question({ subject: { tool: 'rm' } }));
    assert.ok(!other.ok && other.refusal.rule === 'approval.key');
  }));

test('it expires by the clock, also over a restart, and is then answered no more', () =>
  withApprovals(async (opened, path) => {
    const question = await asked(opened);
    const later = await asked(opened, { key: 'later', expiresAt: opened.clock.now() + 5000 });
    const waiting = opened.approvals.settled(question.id);
    opened.clock.advance(1000);
    assert.equal((await waiting).status, 'expired');
    const late = await opened.approvals.answer(question.id, yes(question), ANN);
    assert.ok(!late.ok && late.refusal.message.includes('expired'));
    opened.close();
    const next = openApprovals(path);
    assert.equal(next.approvals.find(later.id)?.status, 'pending');
    const heard = next.approvals.settled(later.id);
    next.clock.advance(5000);
    assert.equal((await heard).status, 'expired');
    next.close();
  }));

test('an answer in the last millisecond is taken, one at the end is not, whichever comes first', () =>
  withApprovals(async (opened) => {
    const question = await asked(opened);
    opened.clock.advance(999);
    const other = await asked(opened, { key: 'o', expiresAt: opened.clock.now() });
    const late = await opened.approvals.answer(other.id, yes(other), ANN);
    assert.ok(!late.ok && late.refusal.rule === 'approval.answered');
    assert.ok((await opened.approvals.answer(question.id, yes(question), ANN)).ok);
  }));

test('what was approved is let through once, for exactly this subject and asker, and again only to repeat it', () =>
  withApprovals(async (opened) => {
    const { approvals, types } = opened;
    const question = await asked(opened);
    const { subject } = opened.question();
    type Use = { asker?: string; messageId?: string; of?: unknown };
    const use = (useKey: string, { asker = 'alice', messageId = 'm', of = subject }: Use = {}) =>
      approvals.use({ asker, messageId, useKey, covers: (found) => found.subject === canonicalJson(of) });
    assert.equal(await use('1'), false);
    await approvals.answer(question.id, yes(question), ANN);
    assert.equal(await use('1', { asker: 'mallory' }), false);
    assert.equal(await use('1', { messageId: 'another turn' }), false);
    assert.equal(await use('1', { of: { tool: 'exec', arguments: { command: 'ls /' } } }), false);
    // The same in another order of fields is the same.
    assert.equal(await use('1', { of: { arguments: { command: 'ls' }, tool: 'exec' } }), true);
    assert.equal(await use('1'), true);
    assert.equal(await use('2'), false);
    assert.equal(types().filter((type) => type === 'approval.used').length, 1);
  }));

test('two uses at once: one is let through', () =>
  withApprovals(async (opened) => {
    const question = await asked(opened);
    await opened.approvals.answer(question.id, yes(question), ANN);
    const covers = ({ id }: Approval) => id === question.id;
    const uses = await Promise.all(
      ['1', '2', '3'].map((useKey) =>
        opened.approvals.use({ asker: 'alice', messageId: 'm', covers, useKey }),
      ),
    );
    assert.equal(uses.filter(Boolean).length, 1);
  }));

test('what asked is over: it is withdrawn, and nobody can approve it any more', () =>
  withApprovals(async (opened) => {
    const question = await asked(opened);
    const waiting = opened.approvals.settled(question.id);
    await opened.approvals.withdraw({ messageId: 'm' });
    assert.equal((await waiting).status, 'withdrawn');
    const late = await opened.approvals.answer(question.id, yes(question), ANN);
    assert.ok(!late.ok && late.refusal.rule === 'approval.answered');
  }));

test('one asker has so many questions at a time, and none too large to be read', () =>
  withApprovals(async (opened) => {
    for (const kind of ['tool', 'egress'] as const) {
      const all = Array.from({ length: MOST_PENDING[kind] + 2 }, (_, index) =>
        opened.approvals.ask(opened.question({ kind, key: `${kind}${index}` })),
      );
      const beyond = (await Promise.all(all)).filter((one) => !one.ok);
      assert.deepEqual(
        beyond.map((one) => !one.ok && one.refusal.rule),
        ['approval.pending', 'approval.pending'],
      );
    }
    await asked(opened, { key: 'other', asker: 'bob' });
    const large = await opened.approvals.ask(
      opened.question({ key: 'l', asker: 'carol', subject: 'x'.repeat(1024 * 1024) }),
    );
    assert.ok(!large.ok && large.refusal.rule === 'approval.subject');
  }));

test('a host that is asked for twice at once is one question, however the clock goes on between', () =>
  withApprovals(async (opened) => {
    const { approvals } = opened;
    let at = opened.clock.now();
    const ask = createEgressApprovals({ approvals, now: () => ++at, timeoutMs: () => 60_000 });
    const agent = { name: 'alice', permissionsRecord: 'alice', permissions: { allowed_domains: [] } };
    const signal = AbortSignal.timeout(60_000);
    const both = [1, 2].map(() => ask(agent, '{"host":"api.example.com"}', { traceId: 't' }, signal));
    await tick();
    const [question, ...others] = approvals.list('pending', 10);
    assert.ok(question);
    assert.deepEqual(others, []);
    assert.ok((await approvals.answer(question.id, { ...yes(question), approve: false }, ANN)).ok);
    for (const one of await Promise.all(both)) assert.ok(!one.ok && one.refusal.rule === 'approval.denied');
  }));

test('a spawned agent is told to have its parent ask: a host would be written down for nobody', () =>
  withApprovals(async ({ approvals, clock }) => {
    const ask = createEgressApprovals({ approvals, now: clock.now, timeoutMs: () => 60_000 });
    const agent = { name: 'alice-s1', permissionsRecord: 'alice', permissions: { allowed_domains: [] } };
    const signal = AbortSignal.timeout(60_000);
    const done = await ask(
      { ...agent, parent: 'alice' },
      '{"host":"api.example.com"}',
      { traceId: 't' },
      signal,
    );
    assert.ok(!done.ok && done.refusal.rule === 'approval.spawned');
    assert.deepEqual(approvals.list(null, 10), []);
  }));

test('whoever waits can leave; the question stays', () =>
  withApprovals(async (opened) => {
    const question = await asked(opened);
    const leaving = new AbortController();
    const waiting = opened.approvals.settled(question.id, leaving.signal);
    leaving.abort();
    await assert.rejects(waiting);
    await tick();
    assert.ok((await opened.approvals.answer(question.id, yes(question), ANN)).ok);
    assert.equal((await opened.approvals.settled(question.id)).status, 'approved');
  }));
