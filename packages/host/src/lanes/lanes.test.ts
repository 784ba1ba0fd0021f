import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import fc from 'fast-check';
import { createAuditLog } from '../audit/audit-log.ts';
import { createEventLog } from '../delivery/event-log.ts';
import { createManualClock } from '../manual-clock.ts';
import { openDatabase } from '../store/database.ts';
import { MESH_MIGRATIONS } from '../store/mesh-schema.ts';
import { LANE_DEPTH } from './accept-message.ts';
import type { Deliver, Delivery, Outcome } from './delivery.ts';
import { createLanes, type Lanes } from './lanes.ts';
import type { Message } from './message.ts';

const done = (text: string): Outcome => ({ kind: 'ended', status: 'done', text, refusal: null });
const cutOff: Outcome = {
  kind: 'interrupted',
  refusal: { code: 'unavailable', rule: 'r', message: 'm', remedy: 'x' },
};

function open(home: string, deliver: Deliver) {
  const clock = createManualClock();
  const database = openDatabase({ path: `${home}/mesh.db`, migrations: MESH_MIGRATIONS });
  const warnings: string[] = [];
  const warn = (line: string) => void warnings.push(line);
  const audit = createAuditLog({ database, clock });
  const events = createEventLog({ database, clock, warn });
  const lanes = createLanes({
    turns: { begun() {}, ended() {}, isOpen: () => false },
    database,
    audit,
    events,
    clock,
    warn,
    deliver,
  });
  let ids = 0;
  const accept = (agent: string, text: string, mode: Message['mode'] = 'followup', sender = 'operator') => {
    const id = `msg_${Math.random()}_${++ids}`;
    return lanes.accept({
      id,
      traceId: `trc_${id}`,
      parentId: null,
      hops: 0,
      agent,
      sender,
      mode,
      text,
      idempotencyKey: null,
      rule: 'operator',
    });
  };
  return { clock, database, lanes, audit, events, accept, warnings };
}

async function withHome(work: (home: string) => Promise<void>): Promise<void> {
  const home = mkdtempSync(`${tmpdir()}/openlegion-lanes-`);
  try {
    await work(home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Turns of the event loop until the lanes have nothing left. */
async function drained(lanes: Lanes, agents: string[]): Promise<void> {
  for (let turn = 0; turn < 50_000; turn += 1) {
    if (agents.every((agent) => lanes.queued(agent) === 0 && lanes.running(agent) === null)) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('the lanes did not drain');
}

test('property: each agent gets its messages one at a time and in order, whatever happens in its turns', async () => {
  const script = fc.array(
    fc.record({ agent: fc.constantFrom('a', 'b', 'c'), fails: fc.integer({ min: 0, max: 3 }) }),
    { minLength: 1, maxLength: 25 },
  );
  await fc.assert(
    fc.asyncProperty(script, (messages) =>
      withHome(async (home) => {
        const given = new Map<string, string[]>();
        const running = new Set<string>();
        const left = new Map(messages.map(({ fails }, index) => [`${index}`, fails]));
        const { lanes, accept, database, events } = open(home, async ({ message, text }) => {
          assert.ok(!running.has(message.agent), 'two at a time');
          running.add(message.agent);
          await new Promise((resolve) => setImmediate(resolve));
          running.delete(message.agent);
          const order = given.get(message.agent) ?? [];
          if (order.at(-1) !== text) order.push(text);
          given.set(message.agent, order);
          const fails = left.get(text) ?? 0;
          left.set(text, fails - 1);
          return fails > 0 ? cutOff : done(`re ${text}`);
        });
        const accepted = await Promise.all(messages.map(({ agent }, index) => accept(agent, `${index}`)));
        await drained(lanes, ['a', 'b', 'c']);
        for (const agent of ['a', 'b', 'c']) {
          const wanted = messages.flatMap((message, index) => (message.agent === agent ? [`${index}`] : []));
          assert.deepEqual(given.get(agent) ?? [], wanted);
        }
        for (const [index, acceptance] of accepted.entries()) {
          assert.ok(acceptance.accepted);
          const message = lanes.find(acceptance.message.id);
          assert.equal(message?.status, (messages[index]?.fails ?? 0) >= 3 ? 'failed' : 'done');
        }
        await lanes.stop();
        await events.flush();
        database.close();
      }),
    ),
    { numRuns: 25 },
  );
});

test('texts in collect mode share one turn and its reply; others wait for theirs', () =>
  withHome(async (home) => {
    const turns: string[] = [];
    const gate = Promise.withResolvers<void>();
    const { lanes, accept, database } = open(home, async ({ text }) => {
      turns.push(text);
      if (text === 'first') await gate.promise;
      return done(`re ${text}`);
    });
    await accept('a', 'first');
    const collected = await Promise.all([
      accept('a', 'x', 'collect'),
      accept('a', 'y', 'collect'),
      accept('a', 'z', 'collect'),
    ]);
    await accept('a', 'own');
    await accept('a', 'late', 'collect');
    await accept('a', 'other sender', 'collect', 'b');
    gate.resolve();
    await drained(lanes, ['a']);
    assert.deepEqual(turns, ['first', 'x\n\ny\n\nz', 'own', 'late', 'other sender']);
    for (const acceptance of collected) {
      assert.ok(acceptance.accepted);
      assert.equal(lanes.find(acceptance.message.id)?.reply, 're x\n\ny\n\nz');
    }
    database.close();
  }));

test('a collected turn that the end of the host cut off is given again with the same text under the same id', () =>
  withHome(async (home) => {
    const seen: { id: string; text: string }[] = [];
    const first = open(home, ({ message, text }) => {
      seen.push({ id: message.id, text });
      return new Promise(() => {});
    });
    await first.accept('a', 'blocker');
    await first.accept('a', 'x', 'collect');
    await first.accept('a', 'y', 'collect');
    first.database.close();
    // The first host is gone as if killed; what follows has the same file.
    let crash = true;
    const second = open(home, ({ message, text }) => {
      seen.push({ id: message.id, text });
      return crash && text.startsWith('x') ? new Promise(() => {}) : Promise.resolve(done('ok'));
    });
    await second.lanes.start();
    while (!seen.some(({ text }) => text.startsWith('x')))
      await new Promise((resolve) => setImmediate(resolve));
    await second.accept('a', 'z', 'collect');
    second.database.close();
    crash = false;
    const third = open(home, ({ message, text }) => {
      seen.push({ id: message.id, text });
      return Promise.resolve(done('ok'));
    });
    await third.lanes.start();
    await drained(third.lanes, ['a']);
    const collected = seen.filter(({ text }) => text.startsWith('x'));
    assert.deepEqual(
      collected.map(({ text }) => text),
      ['x\n\ny', 'x\n\ny'],
    );
    assert.equal(new Set(collected.map(({ id }) => id)).size, 1);
    third.database.close();
  }));

test('a full lane refuses, and stores nothing', () =>
  withHome(async (home) => {
    const { accept, database, audit } = open(home, () => new Promise(() => {}));
    await Promise.all(Array.from({ length: LANE_DEPTH }, (_, index) => accept('a', `${index}`)));
    const before = audit.head().seq;
    const refused = await accept('a', 'one more');
    assert.ok(!refused.accepted);
    assert.equal(refused.refusal.rule, 'lanes.depth');
    assert.equal(audit.head().seq, before);
    const other = await accept('b', 'another lane');
    assert.ok(other.accepted);
    database.close();
  }));

test('a reply that the disk does not take is kept until it does, and no second turn is made for it', () =>
  withHome(async (home) => {
    const deliveries: Delivery[] = [];
    const { clock, database, lanes, accept, warnings } = open(home, async (delivery) => {
      deliveries.push(delivery);
      database.get('PRAGMA max_page_count = 1');
      return done('r'.repeat(200_000));
    });
    const acceptance = await accept('a', 'x');
    assert.ok(acceptance.accepted);
    while (warnings.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.match(warnings[0] ?? '', /disk is full/);
    await assert.rejects(accept('a', 'y'.repeat(200_000)), { code: 'disk_full' });
    database.get('PRAGMA max_page_count = 100000');
    clock.advance(1000);
    await drained(lanes, ['a']);
    assert.equal(deliveries.length, 1);
    assert.equal(lanes.find(acceptance.message.id)?.reply?.length, 200_000);
    database.close();
  }));

test('a lane that waits gives nothing out until it is resumed, and does not count the attempt', () =>
  withHome(async (home) => {
    let failed = true;
    const attempts: number[] = [];
    const { lanes, accept, database } = open(home, async ({ attempt }) => {
      attempts.push(attempt);
      return failed ? { kind: 'wait' } : done('ok');
    });
    await accept('a', 'x');
    while (attempts.length === 0 || lanes.running('a')) await new Promise((resolve) => setImmediate(resolve));
    await accept('a', 'y');
    assert.deepEqual(attempts, [1]);
    failed = false;
    lanes.resume('a');
    await drained(lanes, ['a']);
    assert.deepEqual(attempts, [1, 1, 1]);
    database.close();
  }));

test('what a call cost is added once, also where it is noted in the very moment the message settles', () =>
  withHome(async (home) => {
    const { clock, database, lanes, accept } = open(home, async ({ message }) => {
      const charge = { model: 'm', chargedMicroUsd: 42, inputTokens: 1, outputTokens: 1, durationMs: 1 };
      lanes.charge('a', charge, message);
      // Both writes, this one's and the end's, are of one batch.
      clock.advance(200);
      return done('ok');
    });
    const acceptance = await accept('a', 'x');
    assert.ok(acceptance.accepted);
    await drained(lanes, ['a']);
    assert.equal(lanes.find(acceptance.message.id)?.chargedMicroUsd, 42);
    database.close();
  }));

test('a cost that the disk does not take is kept until it does', () =>
  withHome(async (home) => {
    const { clock, database, lanes, accept, warnings } = open(home, async ({ message }) => {
      const charge = { model: 'm', chargedMicroUsd: 42, inputTokens: 1, outputTokens: 1, durationMs: 1 };
      lanes.charge('a', charge, message);
      database.get('PRAGMA max_page_count = 1');
      return done('r'.repeat(200_000));
    });
    const acceptance = await accept('a', 'x');
    assert.ok(acceptance.accepted);
    while (warnings.length === 0) await new Promise((resolve) => setImmediate(resolve));
    database.get('PRAGMA max_page_count = 100000');
    clock.advance(1000);
    await drained(lanes, ['a']);
    assert.equal(lanes.find(acceptance.message.id)?.chargedMicroUsd, 42);
    database.close();
  }));
