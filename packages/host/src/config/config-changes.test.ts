import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuditPage, ConfigReloaded } from '@openlegion/contract/control-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { FakeTurn } from '../fleet/test/fake-backend.ts';
import { askMesh } from '../mesh/test/ask-mesh.ts';
import { fixtureConfig, startFixture } from '../test/host-fixture.ts';
import { Policy } from '../vault/test/seen-policy.ts';
import type { FleetConfig } from './fleet-config.ts';

/** The fixture's configuration with something of alice's changed. */
function changed(of: Partial<NonNullable<ReturnType<FleetConfig['agents']['get']>>>): FleetConfig {
  const config = fixtureConfig();
  const alice = config.agents.get('alice');
  assert.ok(alice);
  return { ...config, agents: new Map([...config.agents, ['alice', { ...alice, ...of }]]) };
}

const granted = (apis: string[]) => {
  const alice = fixtureConfig().agents.get('alice');
  assert.ok(alice);
  return changed({ permissions: { ...alice.permissions, allowed_apis: apis } });
};

test('a permission that is taken away is gone for the next request, in the host and at the keeper', async () => {
  let turn: FakeTurn | undefined;
  const ready = Promise.withResolvers<void>();
  await using fixture = await startFixture({
    readConfig: () => granted([]),
    turn(given) {
      turn = given;
      ready.resolve();
    },
  });
  await fixture.send('alice', 'x');
  await ready.promise;
  assert.ok(turn);
  assert.equal((await askMesh(turn.mesh, 'POST', '/llm/scripted/x', '{}')).status, 200);
  const answer = await fixture.ask('POST', '/api/config/reload');
  const { changed: what } = answer.as(ConfigReloaded);
  assert.deepEqual(what, ['permissions.alice.allowed_apis']);
  assert.equal((await askMesh(turn.mesh, 'POST', '/llm/scripted/x', '{}')).status, 403);
  const policy = Policy.parse(fixture.vault.policies.at(-1));
  assert.deepEqual(policy.agents.find(({ name }) => name === 'alice')?.apis, []);
  assert.ok(fixture.vault.putEgress.length >= 2);
  const { records } = (await fixture.ask('GET', '/api/audit?type=config.&limit=10')).as(AuditPage);
  assert.deepEqual(
    records.map(({ type, actor }) => [type, actor]),
    [['config.reloaded', 'operator']],
  );
  turn.end('ok');
});

test('an agent whose fixed settings changed is replaced when its turn is over, and one at rest at once', async () => {
  let prompt = 'first';
  await using fixture = await startFixture({ readConfig: () => changed({ system_prompt: prompt }) });
  const one = await fixture.send('alice', 'x');
  const two = await fixture.send('bob', 'x');
  await Promise.all([fixture.trace(one.messageId), fixture.trace(two.messageId)]);
  const reload = async () => (await fixture.ask('POST', '/api/config/reload')).as(ConfigReloaded).restarted;
  assert.deepEqual(await reload(), ['alice']);
  const [alice, bob] = fixture.backend.sandboxes;
  assert.equal((await alice?.exited)?.cause, 'stopped');
  const again = await fixture.send('alice', 'y');
  await fixture.trace(again.messageId);
  assert.deepEqual(
    fixture.backend.sandboxes.map(({ spec }) => spec.agent),
    ['alice', 'bob', 'alice'],
  );
  assert.equal(fixture.backend.sandboxes[2]?.start?.systemPrompt, 'first');
  assert.deepEqual(await reload(), []);
  prompt = 'second';
  assert.deepEqual(await reload(), ['alice']);
  assert.ok(bob);
});

test('an agent that is gone from the configuration is stopped and refused, a new one answers', async () => {
  const config = fixtureConfig();
  const bob = config.agents.get('bob');
  assert.ok(bob);
  const next = { ...config, agents: new Map([['eve', { ...bob, name: 'eve' }]]) };
  await using fixture = await startFixture({ readConfig: () => next });
  const { messageId } = await fixture.send('alice', 'x');
  await fixture.trace(messageId);
  assert.equal((await fixture.ask('POST', '/api/config/reload')).status, 200);
  assert.equal((await fixture.backend.sandboxes[0]?.exited)?.cause, 'stopped');
  assert.equal((await fixture.ask('POST', '/api/agents/alice/messages', { text: 'x' })).status, 404);
  const eve = await fixture.send('eve', 'x');
  assert.equal((await fixture.trace(eve.messageId)).at(-1)?.event.type, 'trace_settled');
});

test('an agent that is gone from the configuration is stopped also where the vault is away, and that is told', async () => {
  const config = fixtureConfig();
  const next = { ...config, agents: new Map([...config.agents].filter(([name]) => name !== 'alice')) };
  await using fixture = await startFixture({ readConfig: () => next });
  const { messageId } = await fixture.send('alice', 'x');
  await fixture.trace(messageId);
  const ends: string[] = [];
  void fixture.backend.sandboxes[0]?.exited.then(({ cause }) => ends.push(cause));
  await fixture.vault[Symbol.asyncDispose]();
  assert.equal((await fixture.ask('POST', '/api/config/reload')).status, 503);
  assert.deepEqual(ends, ['stopped']);
});

test('a bad file changes nothing and is answered with its problems', async () => {
  await using fixture = await startFixture({
    readConfig() {
      const rule = { code: 'bad_request', rule: 'config', remedy: 'Correct it.' } as const;
      throw new OpenLegionError({ ...rule, message: 'config/mesh.yaml:3:1: unknown key' });
    },
  });
  const told = fixture.vault.policies.length;
  const answer = await fixture.ask('POST', '/api/config/reload');
  assert.equal(answer.status, 400);
  assert.match(answer.refusal().message, /mesh\.yaml:3:1/);
  assert.equal(fixture.vault.policies.length, told);
});
