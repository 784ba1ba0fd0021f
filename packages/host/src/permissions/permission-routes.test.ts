import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PermissionCheck, PermissionsDiff, PermissionsView } from '@openlegion/contract/control-permissions';
import { fixtureConfig, startFixture } from '../test/host-fixture.ts';

test('a grant goes live with the reload, and the log has each entry and who did it', async () => {
  let config = fixtureConfig();
  await using fixture = await startFixture({ config, readConfig: () => config });
  const ask = '/api/permissions/check?agent=bob&permission=can_publish&key=news';
  assert.equal((await fixture.ask('GET', ask)).as(PermissionCheck).decision, 'denied');

  const next = fixtureConfig();
  const bob = next.agents.get('bob') ?? assert.fail();
  const agents = new Map(next.agents).set('bob', {
    ...bob,
    permissions: { ...bob.permissions, can_publish: ['news'], can_message: [] },
  });
  config = { ...next, agents };
  const diff = (await fixture.ask('GET', '/api/permissions/diff')).as(PermissionsDiff);
  assert.deepEqual(
    diff.changes.map(({ change, permission, entry }) => [change, permission, entry]),
    [
      ['revoked', 'can_message', 'alice'],
      ['granted', 'can_publish', 'news'],
    ],
  );
  assert.equal((await fixture.ask('POST', '/api/config/reload')).status, 200);
  assert.equal((await fixture.ask('GET', ask)).as(PermissionCheck).decision, 'allowed');
  assert.deepEqual((await fixture.ask('GET', '/api/permissions/diff')).as(PermissionsDiff).changes, []);
  const records = (await fixture.audit()).filter(({ type }) => /^permission\.(granted|revoked)$/.test(type));
  assert.deepEqual(
    records.map(({ type, actor, subject, detail }) => [type, actor, subject, detail]),
    [
      ['permission.revoked', 'operator', 'bob', '{"entry":"alice","permission":"can_message"}'],
      ['permission.granted', 'operator', 'bob', '{"entry":"news","permission":"can_publish"}'],
    ],
  );
});

test('what is shown says of every grant and tool who holds to it; unknown names say what was meant', async () => {
  await using fixture = await startFixture({});
  const { agents } = (await fixture.ask('GET', '/api/permissions?agent=alice')).as(PermissionsView);
  assert.deepEqual(
    agents.map(({ name, record }) => [name, record]),
    [['alice', 'alice']],
  );
  const exec = agents[0]?.tools.find(({ tool }) => tool === 'exec');
  assert.deepEqual([exec?.decision, exec?.enforcedBy], ['allow', 'agent']);
  assert.match(
    (await fixture.ask('GET', '/api/permissions/check?agent=alise&permission=x&key=')).refusal().remedy,
    /alice/,
  );
  assert.match(
    (
      await fixture.ask('GET', '/api/permissions/check?agent=alice&permission=blackboard_wright&key=x')
    ).refusal().remedy,
    /blackboard_write/,
  );
});
