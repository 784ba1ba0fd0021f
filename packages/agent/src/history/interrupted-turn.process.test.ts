import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { callTools, fakeTool, playModel, say, temporaryDirectory, turnRig } from '../testing/turn-rig.ts';
import type { Database } from './database.ts';

const DYING_TURN = `${import.meta.dirname}/../testing/dying-turn.ts`;

async function runDying(directory: string, write: number, when: string) {
  const child = spawn(process.execPath, [DYING_TURN, directory, String(write), when], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = text(child.stdout);
  const signal = await new Promise<string | null>((resolve) =>
    child.once('exit', (_code, killedBy) => resolve(killedBy)),
  );
  const [end = 'null', entries = '[]'] = (await output).split('\n').filter(Boolean);
  return { signal, end: JSON.parse(end), entries: JSON.parse(entries) };
}

/**
 * Of the turn's life: the message, what was recalled for it, two rounds of calls with three results, that a person is
 * asked about the last call and said yes, the last answer, the end.
 */
const WRITES = 11;
const ASKED = 7;

test('a turn makes the writes that the tests below stop it at', async () => {
  using directory = temporaryDirectory();
  const whole = await runDying(directory.path, 0, 'before');
  assert.equal(whole.signal, null);
  assert.equal(whole.end.text, 'all done');
  using another = temporaryDirectory();
  assert.equal((await runDying(another.path, WRITES, 'after')).signal, 'SIGKILL');
  using third = temporaryDirectory();
  assert.equal((await runDying(third.path, WRITES + 1, 'before')).signal, null);
});

for (const when of ['before', 'after']) {
  for (let write = 1; write <= WRITES; write++) {
    test(`killed ${when} write ${write}, a turn comes to its end and runs no call twice`, async () => {
      using directory = temporaryDirectory();
      const died = await runDying(directory.path, write, when);
      assert.equal(died.signal, 'SIGKILL');
      const resumed = await runDying(directory.path, 0, 'before');
      assert.deepEqual(resumed.end, { type: 'turn_ended', status: 'complete', text: 'all done' });

      const effects = readFileSync(`${directory.path}/effects`, 'utf8').trim().split('\n');
      const ran = effects.filter((line) => line.startsWith('ran')).sort();
      assert.deepEqual(ran, [...new Set(ran)], 'an effect happened twice');
      type Entry = { kind: string; entry: { outcome: string; callId: string; output: string } };
      const results: Entry[] = resumed.entries.filter((item: Entry) => item.kind === 'result');
      assert.equal(results.length, 3);
      const whileAsked = (when === 'after' && write === ASKED) || (when === 'before' && write === ASKED + 1);
      assert.equal(results.at(-1)?.entry.outcome === 'cancelled', whileAsked);
      for (const { entry } of results) {
        const effect = `ran ${{ call_1_0: 'a', call_1_1: 'b', call_2_0: 'c' }[entry.callId]}`;
        if (entry.outcome === 'ok') assert.ok(ran.includes(effect));
        else if (entry.outcome === 'unknown') assert.match(entry.output, /outcome unknown.*not run again/);
        else {
          assert.equal(entry.outcome, 'cancelled');
          assert.match(entry.output, /^not run: .*a person/);
          assert.ok(!ran.includes(effect), 'what is told to be not run was run');
        }
      }
    });
  }
}

test('a full disk refuses the message before anything is done', async () => {
  using directory = temporaryDirectory();
  const model = playModel(say('never'));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream });
  rig.database.read('PRAGMA max_page_count = 1');
  await assert.rejects(rig.run('m1', { text: 'x'.repeat(100_000) }), { code: 'disk_full' });
  assert.equal(model.requests.length, 0);
});

test('a disk that fills up in a turn ends it with a clear refusal; with room again it is resumed', async () => {
  using directory = temporaryDirectory();
  let ran = 0;
  let database: Database | undefined;
  const fills = fakeTool('fills', async () => {
    ran++;
    const pages = Number(database?.read('PRAGMA page_count')[0]?.page_count);
    database?.read(`PRAGMA max_page_count = ${pages}`);
    return { outcome: 'ok', output: 'x'.repeat(100_000) };
  });
  const model = playModel(callTools({ tool: 'fills', input: {} }), say('went on'));
  const rig = turnRig({
    file: `${directory.path}/a.db`,
    stream: model.stream,
    tools: [fills],
    wrap: (opened) => {
      database = opened;
      return opened;
    },
  });
  const events = await rig.run('m1');
  const end = events.at(-1);
  assert.ok(end?.type === 'turn_ended' && end.status === 'failed');
  assert.equal(end.refusal?.code, 'disk_full');
  assert.match(end.refusal?.remedy ?? '', /disk_limit/);
  assert.equal(model.requests.length, 1);

  database?.read('PRAGMA max_page_count = 100000');
  const again = await rig.run('m1');
  assert.deepEqual(again.at(-1), { type: 'turn_ended', status: 'complete', text: 'went on' });
  const unknown = again.find((event) => event.type === 'tool_ended');
  assert.equal(unknown?.outcome, 'unknown');
  assert.equal(ran, 1);
});

test('an id that was used for another message is refused', async () => {
  using directory = temporaryDirectory();
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: playModel(say('hello')).stream });
  await rig.run('m1', { text: 'one' });
  await assert.rejects(rig.run('m1', { text: 'two' }), { code: 'conflict' });
  await assert.rejects(rig.run('m1', { text: 'one', from: 'researcher' }), { code: 'conflict' });
});
