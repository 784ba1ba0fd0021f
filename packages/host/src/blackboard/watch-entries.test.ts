import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonValue } from '@openlegion/contract/json-value';
import type { AgentSettings } from '../config/fleet-config.ts';
import { createAgentBlackboard } from './agent-blackboard.ts';
import { createBlackboard } from './blackboard.ts';
import { BLACKBOARD_LIMITS } from './blackboard-limits.ts';
import { agentOf, agentsOf, openParts } from './test/open-parts.ts';

function open(limits = {}) {
  const parts = openParts();
  const blackboard = createBlackboard({ ...parts, limits: { ...BLACKBOARD_LIMITS, ...limits } });
  const set = (key: string, value: JsonValue, namespace = 'fleet', more: object = {}) =>
    blackboard.set({ namespace, key, value, writer: 'w', traceId: '', limited: false, ...more });
  return { ...parts, blackboard, set, agents: createAgentBlackboard({ blackboard, audit: parts.audit }) };
}

const READER = agentsOf({ alice: { permissions: { blackboard_read: ['signals/*'] } } });

test('a watch tells what changes under its prefix, in order, deletions and expiries too, and ends with its signal', async () => {
  using parts = open();
  const stop = new AbortController();
  const watching = parts.blackboard.watch({ namespace: 'fleet', prefix: 'a/', signal: stop.signal });
  assert.ok(watching.ok);
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { key, change } of watching.value) {
      seen.push(`${key} ${change}`);
      if (change === 'expired') stop.abort();
    }
  })();
  await parts.set('a/1', 1);
  await parts.set('b/1', 1);
  await parts.set('a/1', 1, 'team/x');
  await parts.blackboard.delete({ namespace: 'fleet', key: 'a/1', writer: 'w', traceId: '', limited: false });
  await parts.set('a/2', 2, 'fleet', { ttlMs: 1000 });
  await Promise.resolve();
  parts.clock.advance(1000);
  await parts.blackboard.collect();
  await reading;
  assert.deepEqual(seen, ['a/1 set', 'a/1 deleted', 'a/2 set', 'a/2 expired']);
});

test('a reader that does not read costs nothing and misses only what was overwritten and dropped', async () => {
  using parts = open({ keptVersions: 3 });
  const stop = new AbortController();
  const watching = parts.blackboard.watch({ namespace: 'fleet', prefix: '', signal: stop.signal });
  assert.ok(watching.ok);
  for (let n = 0; n < 500; n += 1) await parts.set('k', n);
  const values: unknown[] = [];
  for await (const { value } of watching.value) {
    values.push(value);
    if (value === 499) break;
  }
  assert.deepEqual(values, [497, 498, 499]);
});

test('a watch continues after the change it saw last, and is refused where deletions since are forgotten', async () => {
  using parts = open();
  const by = { namespace: 'fleet', writer: 'w', traceId: '', limited: false };
  const first = await parts.set('k', 1);
  await parts.blackboard.delete({ ...by, key: 'k' });
  const after = first.ok ? first.value.seq : 0;
  const stop = new AbortController();
  const again = parts.blackboard.watch({ namespace: 'fleet', prefix: '', after, signal: stop.signal });
  assert.ok(again.ok);
  assert.equal((await again.value.next()).value?.change, 'deleted');
  parts.clock.advance(BLACKBOARD_LIMITS.keepDeletionsMs);
  await parts.blackboard.collect();
  const late = parts.blackboard.watch({ namespace: 'fleet', prefix: '', after, signal: stop.signal });
  assert.equal(late.ok ? '' : late.refusal.rule, 'blackboard.watch_too_old');
});

test('an agent is told only what it may read at that moment; leaving the team ends the watch', async () => {
  using parts = open();
  let settings: AgentSettings | null = agentOf(READER, 'alice');
  const stop = new AbortController();
  const watching = parts.agents.watch(() => settings, { prefix: '' }, stop.signal);
  assert.ok(watching.ok);
  await parts.set('context/secret', 's');
  await parts.set('signals/1', 1);
  assert.equal((await watching.value.next()).value?.key, 'signals/1');
  const next = watching.value.next();
  settings = { ...settings, permissions: { ...settings.permissions, blackboard_read: [] } };
  await parts.set('signals/2', 2);
  settings = { ...settings, team: 'other' };
  await parts.set('signals/3', 3);
  assert.equal((await next).done, true);
});

test('one agent may have so many watches, and has room again when they end', () => {
  using parts = open();
  const settings = () => agentOf(READER, 'alice');
  const stops = Array.from({ length: BLACKBOARD_LIMITS.watchesOfOne }, () => new AbortController());
  for (const { signal } of stops) assert.ok(parts.agents.watch(settings, { prefix: '' }, signal).ok);
  const over = parts.agents.watch(settings, { prefix: '' }, new AbortController().signal);
  assert.equal(over.ok ? '' : over.refusal.rule, 'blackboard.watches');
  stops[0]?.abort();
  assert.ok(parts.agents.watch(settings, { prefix: '' }, new AbortController().signal).ok);
});

test('an agent reads and writes what its patterns cover, in its own team, and every denial is recorded', async () => {
  using parts = open();
  const agents = agentsOf({
    alice: {
      team: 'sales',
      permissions: { blackboard_read: ['context/*'], blackboard_write: ['context/a_*'] },
    },
    bob: { team: 'ops', permissions: { blackboard_read: ['**'], blackboard_write: ['**'] } },
    carol: {},
  });
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => agentOf(agents, name)) as [
    AgentSettings,
    AgentSettings,
    AgentSettings,
  ];
  const rule = (answer: { ok: boolean; refusal?: { rule: string } }) =>
    answer.ok ? 'ok' : answer.refusal?.rule;
  assert.equal(rule(await parts.agents.set(alice, { key: 'context/a_1', value: 1 }, 't')), 'ok');
  assert.equal(
    rule(await parts.agents.set(alice, { key: 'context/b', value: 1 }, 't')),
    'permissions.alice.blackboard_write',
  );
  assert.equal(
    rule(await parts.agents.set(alice, { key: 'context/a_/x', value: 1 }, 't')),
    'permissions.alice.blackboard_write',
  );
  assert.equal(rule(await parts.agents.get(alice, { key: 'context/a_1' }, 't')), 'ok');
  assert.equal(
    rule(await parts.agents.get(alice, { key: 'tasks/1' }, 't')),
    'permissions.alice.blackboard_read',
  );
  // Over the wall there is nothing, whatever is granted there.
  assert.equal(rule(await parts.agents.get(bob, { key: 'context/a_1' }, 't')), 'blackboard.entry');
  assert.equal(rule(await parts.agents.delete(bob, { key: 'context/a_1' }, 't')), 'blackboard.entry');
  assert.deepEqual(parts.agents.list(bob, { prefix: '', limit: 10 }).entries, []);
  assert.equal(parts.agents.list(alice, { prefix: '', limit: 10 }).entries.length, 1);
  assert.equal(
    rule(await parts.agents.get(carol, { key: 'context/a_1' }, 't')),
    'permissions.carol.blackboard_read',
  );
  assert.equal(
    rule(await parts.agents.history(carol, { key: 'k', limit: 1 }, 't')),
    'permissions.carol.blackboard_read',
  );
  assert.equal(parts.audited().filter((type) => type === 'permission.denied').length, 5);
});
