import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { SpawnAgent } from '@openlegion/contract/mesh-api';
import { createAuditLog } from '../audit/audit-log.ts';
import { agentsOf } from '../blackboard/test/open-parts.ts';
import { createManualClock } from '../manual-clock.ts';
import { openDatabase } from '../store/database.ts';
import { MESH_MIGRATIONS } from '../store/mesh-schema.ts';
import { createDyingDatabase } from '../store/test/dying-database.ts';
import { createTasks } from '../tasks/tasks.ts';
import { createSpawnedAgents } from './spawned-agents.ts';

const REQUEST = SpawnAgent.parse({
  ...{ role: 'reader', instructions: 'Read.', task: 'go', lifetimeSeconds: 60, idempotencyKey: 'k' },
});
const TURN = { messageId: 'msg_1', traceId: 't', hops: 0, askedBy: null };
const OK = { ok: true, value: null } as const;

/** One life of a host. */
function openLife(home: string, volumes: Set<string>, afterMs = 0) {
  const clock = createManualClock();
  clock.advance(afterMs);
  const dying = createDyingDatabase(openDatabase({ path: `${home}/mesh.db`, migrations: MESH_MIGRATIONS }));
  const { database, kill, isDead } = dying;
  const audit = createAuditLog({ database, clock });
  const tasks = createTasks({
    ...{ database, audit, clock, warn: () => {} },
    hooks: {
      async dispatch({ assignee }) {
        if (!isDead()) volumes.add(assignee);
        return OK;
      },
      ...{ recall: async () => OK, deliverResult: async () => OK, attention: async () => OK },
    },
  });
  const { alice } = Object.fromEntries(agentsOf({ alice: { permissions: { can_spawn: true } } }));
  assert.ok(alice);
  const configured = new Map([['alice', alice]]);
  let ids = 0;
  const spawned = createSpawnedAgents({
    ...{ database, audit, clock, tasks, changed: async () => {}, warn: () => {} },
    agents: () => spawned.over(configured),
    newTaskId: () => `msg_${process.hrtime.bigint()}_${++ids}`,
    async removeVolume(agent) {
      if (!isDead()) volumes.delete(agent);
    },
  });
  const rest = async () => {
    for (let turn = 0; turn < 30; turn += 1) await setImmediate();
  };
  return {
    ...{ spawned, tasks, clock, rest, alice, kill, audit },
    close() {
      spawned.stop();
      dying.close();
    },
  };
}

async function atEveryWrite(
  work: (home: string, at: number, before: boolean) => Promise<boolean>,
): Promise<void> {
  let killed = 0;
  for (const before of [true, false])
    for (let at = 0; at < 4; at += 1) {
      const home = mkdtempSync(`${tmpdir()}/openlegion-spawn-`);
      if (await work(home, at, before)) killed += 1;
      rmSync(home, { recursive: true, force: true });
    }
  assert.ok(killed >= 2, String(killed));
}

test('killed while it is made: an agent is there with its task or not at all, and asking again gives it', () =>
  atEveryWrite(async (home, at, before) => {
    const volumes = new Set<string>();
    const first = openLife(home, volumes);
    const died = first.kill(at, before);
    const end = await Promise.race([first.spawned.spawn(first.alice, REQUEST, TURN), died]);
    first.close();
    const next = openLife(home, volumes);
    next.spawned.start();
    await next.rest();
    for (const { name, taskId } of next.spawned.of('alice'))
      assert.ok(next.tasks.find(taskId), `${name} has no task: ${at} ${before}`);
    const again = await next.spawned.spawn(next.alice, REQUEST, TURN);
    assert.ok(again.ok && next.tasks.find(again.value.taskId), `${at} ${before}`);
    assert.deepEqual(next.spawned.of('alice'), [again.value]);
    if (end !== 'died') assert.deepEqual(end, again);
    next.close();
    return end === 'died';
  }));

test('killed while it ends: the next host ends it, and nothing of it stays', () =>
  atEveryWrite(async (home, at, before) => {
    const volumes = new Set<string>();
    const first = openLife(home, volumes);
    assert.ok((await first.spawned.spawn(first.alice, REQUEST, TURN)).ok);
    await first.rest();
    assert.equal(volumes.size, 1);
    const died = first.kill(at, before);
    first.clock.advance(60_000);
    const end = await Promise.race([first.rest(), died]);
    first.close();
    const next = openLife(home, volumes, 60_000);
    next.spawned.start();
    await next.rest();
    assert.deepEqual([next.spawned.of('alice'), [...volumes]], [[], []], `${at} ${before}`);
    // The key is spent: what was made under it is over.
    assert.ok((await next.spawned.spawn(next.alice, REQUEST, TURN)).ok);
    assert.deepEqual(next.spawned.of('alice'), []);
    next.close();
    return end === 'died';
  }));

test('its own time and its parent’s end come at once: it ends once', async () => {
  const home = mkdtempSync(`${tmpdir()}/openlegion-spawn-`);
  const volumes = new Set<string>();
  const life = openLife(home, volumes);
  const parent = await life.spawned.spawn(life.alice, REQUEST, TURN);
  assert.ok(parent.ok);
  const child = await life.spawned.spawn({ ...life.alice, name: parent.value.name }, REQUEST, TURN);
  assert.ok(child.ok);
  await life.rest();
  life.clock.advance(60_000);
  await life.rest();
  const ended = life.audit.read(0, 1000).filter(({ type }) => type === 'agent.spawn_ended');
  assert.deepEqual(
    ended.map(({ subject }) => subject),
    [child.value.name, parent.value.name],
  );
  assert.equal(volumes.size, 0);
  life.close();
  rmSync(home, { recursive: true, force: true });
});
