import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import { openParts } from '../blackboard/test/open-parts.ts';
import { createEventLog } from '../delivery/event-log.ts';
import { acceptMessage } from '../lanes/accept-message.ts';
import type { Database } from '../store/database.ts';
import { createRetention } from './retention.ts';

const DAY = 86_400_000;

function open(wrap: (database: Database) => Database = (database) => database) {
  const parts = openParts();
  const { database, clock } = parts;
  const bounds = { ...MeshConfig.parse({}).telemetry };
  const retention = createRetention({
    ...{ clock, telemetry: () => bounds, warn: assert.fail },
    database: wrap(database),
  });
  const iso = (daysAgo: number) => new Date(clock.now() - daysAgo * DAY).toISOString();
  const insert = (table: string, row: Record<string, string | number | null>) =>
    database.write((transaction) =>
      transaction.run(
        `INSERT INTO ${table} (${Object.keys(row)}) VALUES (${Object.keys(row).map(() => '?')})`,
        ...Object.values(row),
      ),
    );

  /** Of a message, a task with all that is of it, a run with a step and an item and a question: all done. */
  async function trace(name: string, daysAgo: number): Promise<void> {
    const at = clock.now() - daysAgo * DAY;
    const of = { trace_id: name, hops: 0, text: 'x' };
    await Promise.all([
      insert('message', {
        ...{ ...of, id: `m-${name}`, agent: 'alice', sender: 'operator', mode: 'followup', status: 'done' },
        ...{ idempotency_key: name, created_at: iso(daysAgo), finished_at: iso(daysAgo) },
      }),
      insert('task', {
        ...{ ...of, id: `t-${name}`, origin: '{}', origin_name: 'alice', idempotency_key: name, digest: '' },
        ...{ assignee: 'bob', addressed_to: 'bob', status: 'done' },
        ...{ created_at: at, updated_at: at, finished_at: at },
      }),
      insert('task_change', { task_id: `t-${name}`, at, actor: 'bob', to_status: 'done', note: '' }),
      insert('task_errand', {
        ...{ task_id: `t-${name}`, kind: 'result', trace_id: name, reason: '', attempt: 8, due_at: null },
      }),
      insert('spawned_agent', {
        ...{ name, parent: 'alice', idempotency_key: name, task_id: `t-${name}`, asked: '', depth: 1 },
        ...{ ends_at: at, ended_at: at },
      }),
      insert('workflow_definition', {
        ...{ hash: name, name: 'w', definition: '', yaml: '', proposed_by: '', proposed_at: '' },
      }),
      insert('workflow_run', {
        ...{ id: `r-${name}`, workflow: 'w', hash: name, trace_id: name, status: 'done' },
        record: JSON.stringify({ startedAtMs: at }),
      }),
      insert('workflow_step', { run: `r-${name}`, step: 's', state: '{}' }),
      insert('workflow_item', { run: `r-${name}`, item: 's/0', state: '{}' }),
      insert('approval', {
        ...{
          id: `a-${name}`,
          key: name,
          kind: 'tool',
          asker: 'alice',
          what: 'exec',
          subject: '{}',
          hash: '',
        },
        ...{ trace_id: name, message_id: '', status: 'denied', note: '', asked_at: at, expires_at: at },
        answered_at: at,
      }),
    ]);
  }
  const rows = (table: string, column: string) =>
    database
      .all(`SELECT ${column} AS of FROM ${table}`)
      .map((row) => String(row.of).slice(2))
      .sort();
  /** Of which traces there is what; each has all of it or nothing, as one row that is without its parts is none. */
  function left(): string[] {
    const messages = rows('message', 'id');
    for (const [table, column] of OF_TASK) assert.deepEqual(rows(table, column), rows('task', 'id'), table);
    for (const [table, column] of OF_RUN)
      assert.deepEqual(rows(table, column), rows('workflow_run', 'id'), table);
    const others = ['task', 'workflow_run', 'approval'].flatMap((table) => rows(table, 'id'));
    return [...new Set([...messages, ...others])].sort();
  }
  const stop = () => {
    retention.stop();
    assert.equal(clock.waiting(), 0);
    parts[Symbol.dispose]();
  };
  return { ...parts, bounds, retention, iso, trace, left, [Symbol.dispose]: stop };
}

const OF_TASK = [
  ['task_change', 'task_id'],
  ['task_errand', 'task_id'],
  ['spawned_agent', 'task_id'],
] as const;
const OF_RUN = [
  ['workflow_step', 'run'],
  ['workflow_item', 'run'],
] as const;

test('old events go in slices, the oldest first, and the newest stay', async () => {
  using fixture = open();
  const { bounds, database, iso, retention } = fixture;
  await database.write((transaction) => {
    for (let seq = 1; seq <= 5000; seq += 1)
      transaction.run(
        "INSERT INTO event VALUES (?, ?, 'a', 'm', 't', '{}')",
        ...[seq, iso(seq <= 2500 ? 40 : 1)],
      );
  });
  assert.equal(await retention.run(), 2500);
  bounds.keep_events = 2000;
  assert.equal(await retention.run(), 500);
  assert.equal(await retention.run(), 0);
  assert.equal(database.get('SELECT MIN(seq) AS first FROM event')?.first, 3001);
});

test('what is old and done goes with all that is of it, what is younger than keep_days stays', async () => {
  using fixture = open();
  const { bounds, left, retention, trace } = fixture;
  for (const [name, daysAgo] of [
    ['a', 31],
    ['b', 29],
    ['c', 45],
    ['d', 0],
  ] as const)
    await trace(name, daysAgo);
  assert.equal(await retention.run(), 8);
  assert.deepEqual(left(), ['b', 'd']);
  bounds.keep_days = 7;
  assert.equal(await retention.run(), 4);
  assert.deepEqual(left(), ['d']);
});

test('an old trace stays whole as long as anything of it is open or known, and goes when that is over', async () => {
  using fixture = open();
  const { database, iso, left, retention, trace } = fixture;
  const holders: Record<string, [begins: string, ends: string]> = {
    message: ["UPDATE message SET status = 'queued'", "UPDATE message SET status = 'cancelled'"],
    task: ["UPDATE task SET status = 'blocked', finished_at = NULL", 'UPDATE task SET finished_at = 1'],
    errand: ['UPDATE task_errand SET due_at = 1', 'UPDATE task_errand SET due_at = NULL'],
    run: ["UPDATE workflow_run SET status = 'running'", "UPDATE workflow_run SET status = 'done'"],
    approval: ["UPDATE approval SET status = 'pending'", "UPDATE approval SET status = 'expired'"],
    topic: [
      `INSERT INTO topic_event (id, namespace, topic, payload, digest, publisher, trace_id, hops, at, live, dead)
       VALUES ('i', 'n', 't', '', '', 'a', 'topic', 0, 1, 1, 0)`,
      'UPDATE topic_event SET live = 0',
    ],
    spawned: ['UPDATE spawned_agent SET ended_at = NULL', 'UPDATE spawned_agent SET ended_at = 1'],
    event: [
      `INSERT INTO event VALUES (1, '${iso(1)}', 'a', '', 'event', '{}')`,
      `UPDATE event SET at = '${iso(40)}'`,
    ],
  };
  for (const [name, [begins, ends]] of Object.entries(holders)) {
    await trace(name, 40);
    await database.write((transaction) => transaction.run(begins));
    assert.equal(await retention.run(), 0, name);
    assert.deepEqual(left(), [name]);
    await database.write((transaction) => transaction.run(ends));
    assert.notEqual(await retention.run(), 0);
    assert.deepEqual(left(), [], name);
  }
});

test('what is sent again within keep_days is the same message, answered or not; later it is a new one', async () => {
  using fixture = open();
  const { audit, clock, database, retention } = fixture;
  const events = createEventLog({ database, clock, warn: assert.fail });
  let sent = 0;
  const send = async () => {
    const accepted = await database.write((transaction) =>
      acceptMessage(
        transaction,
        { audit, events },
        {
          ...{ id: `m-${++sent}`, traceId: 't', parentId: null, hops: 0, agent: 'a', sender: 'operator' },
          ...{ mode: 'followup', text: 'pay', idempotencyKey: 'k', rule: 'operator' },
          createdAt: new Date(clock.now()).toISOString(),
        },
      ),
    );
    return accepted.accepted && accepted.message.id;
  };
  await send();
  await database.write((transaction) => transaction.run("UPDATE message SET status = 'done'"));
  // A flood of events drives those of this message out of the log; what it is known by stays.
  await database.write((transaction) => transaction.run('DELETE FROM event'));
  clock.advance(29 * DAY);
  await retention.run();
  assert.equal(await send(), 'm-1');
  clock.advance(2 * DAY);
  await retention.run();
  assert.equal(await send(), 'm-3');
});

test('however far it got when the host was killed, no row is left without what is of it, and the next time ends it', async () => {
  for (const survives of [1, 3, 5]) {
    let writes = 0;
    const killed = new Error('killed');
    using fixture = open((database) => ({
      ...database,
      write: (work) => (writes++ === survives ? Promise.reject(killed) : database.write(work)),
    }));
    const { left, retention, trace } = fixture;
    for (let n = 0; n < 101; n += 1) void trace(`${n}`, 40);
    await trace('young', 1);
    await assert.rejects(retention.run(), killed);
    left();
    await retention.run();
    assert.deepEqual(left(), ['young']);
  }
});

test('a slice is a hundred rows, and what others write comes between', async () => {
  const slices: number[] = [];
  using fixture = open((database) => ({
    ...database,
    write: (work) =>
      database.write((transaction) =>
        work({
          ...transaction,
          run(sql, ...parameters) {
            const changes = transaction.run(sql, ...parameters);
            if (sql.startsWith('DELETE FROM message')) slices.push(changes);
            return changes;
          },
        }),
      ),
  }));
  const { database, iso, retention } = fixture;
  await database.write((transaction) => {
    for (let n = 0; n < 1050; n += 1)
      transaction.run(
        `INSERT INTO message (id, trace_id, hops, agent, sender, mode, text, status, created_at)
         VALUES (?1, ?1, 0, 'a', 'operator', 'followup', '', 'done', ?2)`,
        ...[`m-${n}`, iso(40)],
      );
  });
  const sweep = retention.run();
  const between = await database.write((transaction) => transaction.get('SELECT COUNT(*) AS n FROM message'));
  assert.ok(Number(between?.n) >= 950, `${between?.n}`);
  assert.equal(await sweep, 1050);
  assert.deepEqual(slices, [...Array.from({ length: 10 }, () => 100), 50]);
});
