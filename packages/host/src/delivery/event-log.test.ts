import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import type { FleetEvent } from '@openlegion/contract/control-api';
import { createManualClock } from '../manual-clock.ts';
import { type Database, openDatabase } from '../store/database.ts';
import { MESH_MIGRATIONS } from '../store/mesh-schema.ts';
import { createEventLog, type EventLog, type NewEvent } from './event-log.ts';
import { subscribe } from './subscribe.ts';

async function withLog(
  work: (parts: {
    log: EventLog;
    write: Database['write'];
    reopen: () => EventLog;
    rows: () => number;
  }) => Promise<void>,
): Promise<void> {
  const home = mkdtempSync(`${tmpdir()}/openlegion-events-`);
  let database = openDatabase({ path: `${home}/mesh.db`, migrations: MESH_MIGRATIONS });
  const create = () => createEventLog({ database, clock: createManualClock(), warn: () => {} });
  try {
    await work({
      log: create(),
      write: (written) => database.write(written),
      reopen() {
        database.close();
        database = openDatabase({ path: `${home}/mesh.db`, migrations: MESH_MIGRATIONS });
        return create();
      },
      rows: () => Number(database.get('SELECT COUNT(*) AS n FROM event')?.n),
    });
  } finally {
    database.close();
    rmSync(home, { recursive: true, force: true });
  }
}

const delta = (text: string, traceId = 't'): NewEvent => ({
  agent: 'a',
  messageId: 'm',
  traceId,
  event: { type: 'turn', turn: { type: 'text_delta', text } },
});
const told = (reason: string, traceId = 't'): NewEvent => ({
  agent: 'a',
  messageId: 'm',
  traceId,
  event: { type: 'agent_stopped', reason },
});

async function collect(pages: AsyncGenerator<FleetEvent[]>): Promise<FleetEvent[]> {
  const all: FleetEvent[] = [];
  for await (const page of pages) all.push(...page);
  return all;
}

test('numbers only grow, also over a restart, and deltas are not stored', () =>
  withLog(async ({ log, reopen, rows }) => {
    await log.record(told('one'));
    log.publish(delta('x'));
    const last = log.lastSeq();
    await log.flush();
    assert.equal(rows(), 1);
    const again = reopen();
    assert.ok(again.lastSeq() >= last);
    await again.record(told('two'));
    const events = again.readAfter(0, 't', 10);
    assert.deepEqual(
      events.map(({ event }) => event.type === 'agent_stopped' && event.reason),
      ['one', 'two'],
    );
    assert.ok((events[1]?.seq ?? 0) > last);
  }));

test('a reader that never reads makes nothing grow, and can still read what is stored when it comes back', () =>
  withLog(async ({ log }) => {
    const stop = new AbortController();
    const slow = subscribe(log, { traceId: 't' }, stop.signal);
    await log.record(told('first'));
    for (let index = 0; index < 20_000; index += 1) log.publish(delta('x'.repeat(100)));
    await log.record({ ...told('last'), event: { type: 'trace_settled' } });
    const events = await collect(slow);
    assert.equal(events[0]?.event.type, 'agent_stopped');
    assert.equal(events.at(-1)?.event.type, 'trace_settled');
    // The deltas that memory no longer held are missing; none is out of order.
    assert.ok(events.length < 6000);
    assert.ok(events.every((event, index) => index === 0 || event.seq > (events[index - 1]?.seq ?? 0)));
  }));

test('a hostile turn cannot fill the disk with claims; they are shown all the same', () =>
  withLog(async ({ log, rows }) => {
    let seen = 0;
    log.onEvent(() => {
      seen += 1;
    });
    for (let index = 0; index < 5000; index += 1) {
      log.publish({ ...delta(''), event: { type: 'turn', turn: { type: 'steered', text: 'x' } } });
    }
    await log.flush();
    assert.equal(seen, 5000);
    assert.equal(rows(), 2000);
  }));

test('a subscription to an agent sees that agent alone, and ends when it is aborted', () =>
  withLog(async ({ log }) => {
    const stop = new AbortController();
    const pages = subscribe(log, { agent: 'a' }, stop.signal);
    const first = pages.next();
    await log.record({ ...told('not mine'), agent: 'b' });
    await log.record(told('mine'));
    const page = await first;
    assert.deepEqual(
      page.value?.map((event: FleetEvent) => event.agent),
      ['a'],
    );
    const next = pages.next();
    stop.abort();
    assert.equal((await next).done, true);
  }));

test('a trace is replayed whole to one who comes late, and the stream then ends', () =>
  withLog(async ({ log, reopen }) => {
    await log.record(told('mine'));
    await log.record(told('another trace', 'other'));
    await log.record({ ...told(''), event: { type: 'trace_settled' } });
    await log.flush();
    const again = reopen();
    const events = await collect(subscribe(again, { traceId: 't' }, new AbortController().signal));
    assert.deepEqual(
      events.map(({ event }) => event.type),
      ['agent_stopped', 'trace_settled'],
    );
  }));

test('a reader at the end misses nothing that is numbered before, and announced after, something else', () =>
  withLog(async ({ log, write }) => {
    const stop = new AbortController();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const page of subscribe(log, { traceId: 't' }, stop.signal))
        for (const { event } of page) seen.push(event.type === 'agent_stopped' ? event.reason : event.type);
    })();
    const failing = write((transaction) => {
      log.store(transaction, told('undone'));
      throw new Error('mine');
    });
    const first = await write((transaction) => log.store(transaction, told('first')));
    log.publish(told('second'));
    for (let turns = 0; turns < 20; turns += 1) await Promise.resolve();
    log.announce(first);
    await assert.rejects(failing);
    log.publish({ ...told(''), event: { type: 'trace_settled' } });
    await reading;
    assert.deepEqual(seen, ['first', 'second', 'trace_settled']);
  }));
