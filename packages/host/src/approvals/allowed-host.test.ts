import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { ApprovalList, ApprovalView } from '@openlegion/contract/control-approvals';
import { CreatedToken } from '@openlegion/contract/control-tokens';
import { configPaths } from '@openlegion/contract/installation';
import { ApprovalGiven } from '@openlegion/contract/mesh-api';
import { createConfigChanges } from '../config/config-changes.ts';
import { createLiveConfig } from '../config/live-config.ts';
import { requireConfig } from '../config/require-config.ts';
import { askMesh } from '../mesh/test/ask-mesh.ts';
import { createDyingDatabase, type DyingDatabase } from '../store/test/dying-database.ts';
import type { Answer } from '../test/answer.ts';
import { startFixture } from '../test/host-fixture.ts';
import { Policy } from '../vault/test/seen-policy.ts';
import { hostGrantOf } from './egress-approvals.ts';
import { ANN, openApprovals } from './test/open-approvals.ts';

const HOST = 'api.example.com';
const PERMISSIONS = `{
  "permissions": {
    "bob":   { "can_spawn": false },
    "alice": { "allowed_domains": ["a.example"], "can_message": [ "bob" ] }
  }
}
`;
const WITH_HOST = PERMISSIONS.replace('["a.example"]', `["a.example", "${HOST}"]`);

function openHome(): { home: string; file: string } & Disposable {
  const home = mkdtempSync(`${tmpdir()}/openlegion-allowed-host-`);
  const paths = configPaths(home);
  mkdirSync(paths.directory);
  writeFileSync(paths.mesh, 'llm: { default_model: scripted/a }\napprovals: { approvers: [ann] }\n');
  writeFileSync(paths.agents, 'agents:\n  alice: {}\n  bob: {}\n');
  writeFileSync(paths.permissions, PERMISSIONS);
  const remove = () => rmSync(home, { recursive: true, force: true });
  return { home, file: paths.permissions, [Symbol.dispose]: remove };
}

test('approved on the control API alone, a host stands in the file and is in force before the agent is told', async () => {
  using home = openHome();
  const readConfig = () => requireConfig(home.home, () => {});
  const over = Promise.withResolvers<Answer>();
  await using fixture = await startFixture({
    ...{ home: home.home, config: readConfig(), readConfig },
    turn(turn) {
      const asked = { tool: 'egress', arguments: JSON.stringify({ host: HOST }), key: 'k' };
      void askMesh(turn.mesh, 'POST', '/mesh/approvals', asked).then((answer) => {
        over.resolve(answer);
        turn.end('ok');
      }, over.reject);
    },
  });
  let told: Answer | undefined;
  void over.promise.then((answer) => {
    told = answer;
  });
  const domains = () =>
    Policy.parse(fixture.vault.policies.at(-1)).agents.find(({ name }) => name === 'alice')?.domains;
  const created = { name: 'ann', role: 'approver' };
  const { token } = (await fixture.ask('POST', '/api/tokens', created)).as(CreatedToken);
  const headers = { authorization: `Bearer ${token}` };
  const { messageId } = await fixture.send('alice', 'go');
  const list = async () =>
    (await fixture.ask('GET', '/api/approvals?status=pending')).as(ApprovalList).approvals;
  while ((await list()).length === 0) await setTimeout(5);
  const [{ id, hash } = assert.fail()] = await list();
  const approve = (who = headers) =>
    fixture.ask('POST', `/api/approvals/${id}/answer`, { approve: true, hash }, who);

  assert.equal((await approve({ authorization: `Bearer ${fixture.token}` })).status, 403);
  // What the file cannot take, nobody is told.
  const obstacle = `${home.file}.host-new`;
  for (const [spoil, mend, rule] of [
    [() => writeFileSync(home.file, '{'), () => writeFileSync(home.file, PERMISSIONS), 'config.permissions'],
    [() => mkdirSync(obstacle), () => rmSync(obstacle, { recursive: true }), 'config.file'],
  ] as const) {
    spoil();
    const refused = await approve();
    assert.equal(refused.refusal().rule, rule);
    assert.notEqual(refused.refusal().remedy, '');
    mend();
    assert.deepEqual([(await list()).map(({ by }) => by), told], [[null], undefined]);
    assert.deepEqual([readFileSync(home.file, 'utf8'), domains()], [PERMISSIONS, ['a.example']]);
  }
  // What somebody wrote by hand, and did not put in force, stays so.
  writeFileSync(home.file, PERMISSIONS.replace('false', 'true'));
  assert.equal((await approve()).as(ApprovalView).by, 'ann');
  assert.equal(readFileSync(home.file, 'utf8'), WITH_HOST.replace('false', 'true'));
  assert.deepEqual(domains(), ['a.example', HOST]);
  assert.equal((await over.promise).as(ApprovalGiven).by, 'ann');
  await fixture.trace(messageId);
  const ofAnn = (await fixture.audit()).filter(({ actor }) => actor === 'ann');
  assert.deepEqual(
    ofAnn.map(({ type, subject, rule }) => [type, subject, rule]),
    [
      ['approval.answer_refused', id, 'config.permissions'],
      ['approval.answer_refused', id, 'config.file'],
      ['permission.granted', 'alice', 'approvals.approvers'],
      ['approval.approved', id, 'approvals.approvers'],
    ],
  );
  const detail = { approval: id, entry: HOST, permission: 'allowed_domains' };
  assert.equal(ofAnn[2]?.detail, JSON.stringify(detail));
});

/** One life of a host. */
function openLife(home: { home: string; file: string }) {
  const live = createLiveConfig(requireConfig(home.home, () => {}));
  let kill: DyingDatabase['kill'] | undefined;
  const opened = openApprovals(
    `${home.home}/mesh.db`,
    ['ann'],
    (approval, by) => changes.allowHost(hostGrantOf(approval, by)),
    (real) => {
      const dying = createDyingDatabase(real);
      kill = dying.kill;
      return dying.database;
    },
  );
  const changes = createConfigChanges({
    ...{ permissionsFile: home.file, live, read: () => requireConfig(home.home, () => {}) },
    ...{ audit: opened.audit, vault: { reload: async () => {} }, fleet: { reload: async () => [] } },
    warn: (message) => assert.fail(message),
  });
  const inForce = () => live.agents.get('alice')?.permissions.allowed_domains.includes(HOST) ?? false;
  assert.ok(kill);
  return { ...opened, inForce, kill };
}

const EGRESS = {
  ...({ kind: 'egress', what: HOST, messageId: '' } as const),
  subject: { agent: 'alice', allowed_domains: { add: HOST } },
};

test('killed at any write of an approval: what was decided is carried out by the next host, and told only then', async () => {
  let killed = 0;
  for (const before of [true, false])
    for (let at = 0; at < 4; at += 1) {
      using home = openHome();
      const granted = () => readFileSync(home.file, 'utf8') === WITH_HOST;
      const first = openLife(home);
      const asked = await first.approvals.ask(first.question(EGRESS));
      assert.ok(asked.ok);
      const { id, hash } = asked.value;
      const told: unknown[] = [];
      const listen = (life: ReturnType<typeof openLife>) =>
        void life.approvals
          .settled(id)
          .then(({ status }) => told.push([status, granted(), life.inForce()].join()));
      listen(first);
      const answer = { approve: true, hash, note: '' };
      const died = first.kill(at, before);
      const end = await Promise.race([first.approvals.answer(id, answer, ANN), died]);
      if (end === 'died') killed += 1;
      const promised = first.approvals.find(id)?.by === 'ann';
      first.close();

      const next = openLife(home);
      listen(next);
      await next.approvals.resume();
      const { status } = next.approvals.find(id) ?? assert.fail();
      assert.equal(status, promised ? 'approved' : 'pending', `${at} ${before}`);
      assert.equal(granted(), promised, `${at} ${before}`);
      if (!promised) {
        assert.ok((await next.approvals.answer(id, answer, ANN)).ok);
        assert.ok(granted() && next.inForce());
      }
      const done = next.audit.read(0, 100).filter(({ actor }) => actor === 'ann');
      assert.equal(done.filter(({ type }) => type === 'approval.approved').length, 1);
      assert.ok(done.some(({ type }) => type === 'permission.granted'));
      next.close();
      await setImmediate();
      assert.deepEqual([...new Set(told)], ['approved,true,true'], `${at} ${before}`);
    }
  assert.ok(killed >= 6, String(killed));
});

test('while a yes is carried out nobody can say no to it, and it does not expire; when it fails, both are so again', async () => {
  using home = openHome();
  const carried = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const opened = openApprovals(`${home.home}/mesh.db`, ['ann'], () => {
    begun.resolve();
    return carried.promise;
  });
  const asked = await opened.approvals.ask(opened.question(EGRESS));
  assert.ok(asked.ok);
  const { id, hash } = asked.value;
  const answering = opened.approvals.answer(id, { approve: true, hash, note: '' }, ANN);
  await begun.promise;
  const no = await opened.approvals.answer(id, { approve: false, hash, note: '' }, ANN);
  assert.ok(!no.ok && no.refusal.message.includes('is being carried out'));
  opened.clock.advance(2000);
  assert.equal(opened.approvals.find(id)?.status, 'pending');
  const settled = opened.approvals.settled(id);
  carried.reject(new Error('a fault'));
  await assert.rejects(answering, /a fault/);
  opened.clock.advance(0);
  assert.equal((await settled).status, 'expired');
  opened.close();
});
