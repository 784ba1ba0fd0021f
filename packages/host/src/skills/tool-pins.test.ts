import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuditLog } from '../audit/audit-log.ts';
import type { AgentSettings } from '../config/fleet-config.ts';
import { createManualClock } from '../manual-clock.ts';
import { openDatabase } from '../store/database.ts';
import { MESH_MIGRATIONS } from '../store/mesh-schema.ts';
import { createToolPins } from './tool-pins.ts';

function rig() {
  const directory = mkdtempSync(join(tmpdir(), 'openlegion-pins-'));
  const database = openDatabase({ path: join(directory, 'mesh.db'), migrations: MESH_MIGRATIONS });
  const clock = createManualClock();
  const audit = createAuditLog({ database, clock });
  const recorded = () => audit.read(0, 100).map(({ type, actor }) => `${type} ${actor}`);
  const pins = createToolPins({ database, audit, clock });
  /** Only what is read here of an agent's settings. */
  const agent = (name: string, ...servers: string[]) =>
    ({ name, mcp_servers: servers.map((server) => ({ name: server })) }) as unknown as AgentSettings;
  const alice = agent('alice', 'fs');
  const report = async (tools: Record<string, string>, of = alice) =>
    Object.fromEntries(
      (
        await pins.report(of, {
          server: 'fs',
          tools: Object.entries(tools).map(([name, definition]) => ({ name, definition })),
        })
      ).tools.map(({ name, state }) => [name, state]),
    );
  const approve = (name: string, definition: string) =>
    pins.approve(
      { agent: 'alice', server: 'fs', name, hash: createHash('sha256').update(definition).digest('hex') },
      'carol',
    );
  return {
    ...{ pins, report, approve, agent, recorded, database },
    [Symbol.dispose]: () => {
      database.close();
      rmSync(directory, { recursive: true });
    },
  };
}

test('what a server says first holds; what changes or comes later waits for a yes to exactly that', async () => {
  using at = rig();
  assert.deepEqual(await at.report({ read: 'A', write: 'B' }), { read: 'pinned', write: 'pinned' });
  assert.deepEqual(await at.report({ read: 'A', write: 'EVIL' }), { read: 'pinned', write: 'changed' });
  assert.deepEqual(await at.report({ read: 'A', write: 'EVIL', more: 'C' }), {
    read: 'pinned',
    write: 'changed',
    more: 'new',
  });
  assert.deepEqual(
    at.pins.list().tools.map(({ name, state, pinned, now }) => [name, state, pinned, now]),
    [
      ['more', 'new', null, 'C'],
      ['read', 'pinned', 'A', null],
      ['write', 'changed', 'B', 'EVIL'],
    ],
  );
  // Shown one thing, another is there: nothing is approved.
  await assert.rejects(at.approve('write', 'B2'), { rule: 'mcp.tool', code: 'conflict' });
  await assert.rejects(at.approve('read', 'A'), { rule: 'mcp.tool', code: 'not_found' });
  await at.approve('write', 'EVIL');
  await at.approve('more', 'C');
  assert.deepEqual(await at.report({ read: 'A', write: 'EVIL', more: 'C' }), {
    read: 'pinned',
    write: 'pinned',
    more: 'pinned',
  });
  assert.deepEqual(at.recorded(), [
    'mcp.pinned host',
    'mcp.tools_changed host',
    'mcp.tools_changed host',
    'mcp.approved carol',
    'mcp.approved carol',
  ]);
});

test('a tool that goes away and comes back as another has changed; one that goes back to what it was has not', async () => {
  using at = rig();
  await at.report({ read: 'A', write: 'B' });
  assert.deepEqual(await at.report({ write: 'B' }), { write: 'pinned' });
  assert.deepEqual(await at.report({ read: 'A2', write: 'B' }), { read: 'changed', write: 'pinned' });
  assert.deepEqual(await at.report({ read: 'A', write: 'B' }), { read: 'pinned', write: 'pinned' });
  assert.deepEqual(
    at.pins.list().tools.map(({ now }) => now),
    [null, null],
  );
});

test('a hostile agent names servers that are not its own, and tools without end: nothing is kept of them', async () => {
  using at = rig();
  await assert.rejects(at.report({ read: 'A' }, at.agent('mallory', 'other')), {
    code: 'not_found',
    rule: 'mcp.server',
  });
  await at.report({ read: 'A' });
  for (let round = 0; round < 20; round += 1)
    await at.report(
      Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`t${round}_${index}`, 'x'])),
    );
  assert.equal(at.pins.list().tools.length, 101);
  await at.report({ read: 'A' });
  assert.deepEqual(
    at.pins.list().tools.map(({ name }) => name),
    ['read'],
  );
});

test('agents have pins of their own, and a server that was taken from one starts anew', async () => {
  using at = rig();
  await at.report({ read: 'A' });
  const bob = at.agent('bob', 'fs');
  assert.deepEqual(await at.report({ read: 'B' }, bob), { read: 'pinned' });
  assert.deepEqual(await at.report({ read: 'B' }), { read: 'changed' });
  await assert.rejects(at.report({ read: 'A' }, at.agent('alice')), { code: 'not_found' });
  await at.pins.report(at.agent('alice', 'other'), { server: 'other', tools: [] });
  assert.deepEqual(await at.report({ read: 'B' }), { read: 'pinned' });
});

test('a yes or a first report that cannot be recorded is none', async () => {
  using at = rig();
  await at.report({ read: 'A' });
  await at.report({ read: 'EVIL' });
  const noRecord =
    "CREATE TRIGGER no_record BEFORE INSERT ON audit WHEN NEW.type IN ('mcp.approved', 'mcp.pinned') BEGIN SELECT RAISE(ABORT, 'full'); END";
  await at.database.write((transaction) => transaction.run(noRecord));
  await assert.rejects(at.approve('read', 'EVIL'));
  await assert.rejects(at.report({ read: 'B' }, at.agent('bob', 'fs')));
  assert.deepEqual(
    at.pins.list().tools.map(({ agent, state }) => [agent, state]),
    [['alice', 'changed']],
  );
});
