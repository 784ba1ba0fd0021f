import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { verifyChain } from '../audit/verify-chain.ts';
import { createManualClock } from '../manual-clock.ts';
import { openCoordination } from './test/coordination.ts';

const CHILD = new URL('./test/crash-child.ts', import.meta.url).pathname;
const KILLS = Math.min(Number(process.env.OPENLEGION_RUNS ?? 5), 200);
const directory = mkdtempSync(`${tmpdir()}/openlegion-crash-`);
after(() => rmSync(directory, { recursive: true, force: true }));

interface Acknowledged {
  key: string;
  counter: number;
  event: string | null;
  task: string | null;
}

/** Lets a child write until it has acknowledged `enough`, then kills it. The last may be more than were asked for. */
async function killAfter(enough: number, repeated: string[]): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, [CHILD, directory, ...repeated], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  const acknowledged: Acknowledged[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(JSON.parse(line));
    if (acknowledged.length === enough) child.kill('SIGKILL');
  }
  await gone;
  assert.ok(acknowledged.length >= enough, 'the child ended by itself');
  return acknowledged;
}

test('a host killed between any two writes loses nothing that it acknowledged, and does nothing twice', async () => {
  const all: Acknowledged[] = [];
  for (let round = 0; round < KILLS; round += 1) {
    const last = all.at(-1);
    // Whoever had no answer asks again under the same key: one before, and one after the kill.
    const pid = last?.key.split('-')[0];
    const repeated = last ? [last.key, `${pid}-${Number(last.key.split('-')[1]) + 1}`] : [];
    const acknowledged = await killAfter(3 + ((round * 7) % 23), repeated);
    if (last) assert.deepEqual([acknowledged[0]?.event, acknowledged[0]?.task], [last.event, last.task]);
    all.push(...acknowledged);
  }

  const effects: string[] = readFileSync(`${directory}/effects`, 'utf8').trim().split('\n');
  // Later, so that leases of those killed are over.
  const clock = createManualClock(Date.now() + 600_000);
  const parts = openCoordination(`${directory}/mesh.db`, clock, (line) => effects.push(line));
  await parts.pubsub.start();
  parts.tasks.start();
  const idle = () =>
    parts.database.get(
      `SELECT 1 FROM task_errand UNION ALL SELECT 1 FROM task WHERE finished_at IS NULL
       UNION ALL SELECT 1 FROM topic_delivery LIMIT 1`,
    ) === undefined;
  for (let turn = 0; turn < 5000 && !idle(); turn += 1) {
    // A lane gives a message out again whose turn was cut off.
    if (turn % 50 === 49)
      for (const { id } of parts.database.all('SELECT id FROM task WHERE finished_at IS NULL'))
        await parts.endTurn(String(id));
    clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }

  const counter = parts.blackboard.get('fleet', 'counter');
  assert.ok(counter.ok);
  assert.equal(counter.value.value, counter.value.version, 'each increment once');
  assert.ok(counter.value.version >= Math.max(...all.map((one) => one.counter)), 'none lost');
  assert.ok(counter.value.version <= all.length + KILLS, 'none that nobody asked for');
  const count = (line: string) => effects.filter((effect) => effect === line).length;
  for (const { key, event, task } of all) {
    assert.ok(count(`wake ${event}`) >= 1, `event ${key} was delivered`);
    assert.ok(count(`dispatch ${task}`) >= 1, `task ${key} was given`);
    assert.ok(count(`result ${task}`) >= 1, `result of ${key} returned`);
    const moves = parts.tasks.changes(task ?? '').map(({ to }) => to);
    assert.deepEqual(moves, ['pending', 'working', 'done'], `task ${key}: each move once`);
  }
  const keys = new Set(all.map(({ key }) => key));
  const tasks = Number(parts.database.get('SELECT COUNT(*) AS n FROM task')?.n);
  assert.ok(tasks >= keys.size && tasks <= keys.size + KILLS, 'a repeated key made no second task');
  assert.ok(idle() && parts.pubsub.deadLetters(0, 1).letters.length === 0);
  assert.deepEqual(verifyChain(parts.audit.read(0, 1_000_000), [], null).problems, []);
  await parts.close();
});
