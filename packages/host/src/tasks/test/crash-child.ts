/**
 * Writes without end, for `kill -9`: increments a counter by compare-and-swap, publishes, hands on. Prints a line
 * for all that was acknowledged, and appends to a file what the host did on its own.
 */
import { appendFileSync, writeSync } from 'node:fs';
import { createSystemClock } from '../../clock.ts';
import { newTask, openCoordination } from './coordination.ts';

const [directory = '', ...repeated] = process.argv.slice(2);
const parts = openCoordination(`${directory}/mesh.db`, createSystemClock(), (line) =>
  appendFileSync(`${directory}/effects`, `${line}\n`),
);
const by = { namespace: 'fleet', writer: 'alice', traceId: 't', limited: true };
await parts.pubsub.start();
parts.tasks.start();
await parts.pubsub.subscribe({ namespace: 'fleet', topic: 'news', subscriber: 'bob', mode: 'wake' });

async function one(key: string): Promise<void> {
  const current = parts.blackboard.get('fleet', 'counter');
  const version = current.ok ? current.value.version : 0;
  const write = { ...by, key: 'counter', value: version + 1, ifVersion: version };
  const event = {
    namespace: 'fleet',
    topic: 'news',
    payload: key,
    publisher: 'alice',
    traceId: 't',
    hops: 0,
  };
  const [written, published, created] = await Promise.all([
    parts.blackboard.set(write),
    parts.pubsub.publish({ ...event, id: `evt_${key}_${process.pid}`, idempotencyKey: key }),
    parts.tasks.create(newTask(key)),
  ]);
  const event_ = published.ok ? published.value.eventId : null;
  const task = created.ok ? created.value.taskId : null;
  writeSync(1, `${JSON.stringify({ key, counter: written.ok ? write.value : 0, event: event_, task })}\n`);
}

for (const key of repeated) await one(key);
for (let n = 0; ; n += 1) await one(`${process.pid}-${n}`);
