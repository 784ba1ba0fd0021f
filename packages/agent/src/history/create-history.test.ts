import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createInterrupt } from '../loop/interrupt.ts';
import { playModel, say, temporaryDirectory, turnRig } from '../testing/turn-rig.ts';
import { createHistory } from './create-history.ts';
import { openDatabase } from './open-database.ts';
import { orderTurn } from './order-turn.ts';

const message = (messageId: string) => ({ messageId, traceId: 't', from: 'user', text: messageId });

test('every commit is on disk before it returns, and the schema is made once', () => {
  using directory = temporaryDirectory();
  const first = openDatabase(`${directory.path}/a.db`);
  assert.equal(first.read('PRAGMA journal_mode')[0]?.journal_mode, 'wal');
  assert.equal(first.read('PRAGMA synchronous')[0]?.synchronous, 2);
  first.close();
  const again = openDatabase(`${directory.path}/a.db`);
  assert.equal(again.read('PRAGMA user_version')[0]?.user_version, 1);
  assert.equal(again.read('SELECT * FROM session').length, 1);
  again.close();
});

test('a transaction that fails leaves nothing', () => {
  using directory = temporaryDirectory();
  const database = openDatabase(`${directory.path}/a.db`);
  assert.throws(
    () =>
      database.transaction(() => {
        database.write('UPDATE session SET current = 9');
        throw new Error('no');
      }),
    /no/,
  );
  assert.equal(database.read('SELECT current FROM session')[0]?.current, 1);
  database.close();
});

test('a database that another program holds is refused as unavailable', { timeout: 10_000 }, () => {
  using directory = temporaryDirectory();
  const one = openDatabase(`${directory.path}/a.db`);
  const two = openDatabase(`${directory.path}/a.db`);
  one.transaction(() => {
    one.write('UPDATE session SET current = 2');
    assert.throws(() => two.write('UPDATE session SET current = 3'), { code: 'unavailable' });
  });
  one.close();
  two.close();
});

test('what was steered before a restart is still waiting after it', () => {
  using directory = temporaryDirectory();
  const open = () => createHistory(openDatabase(`${directory.path}/a.db`), () => '');
  const before = open();
  before.beginTurn(message('m1'));
  before.addSteer('m1', 'left');
  before.addSteer('m1', 'right');
  const after = open();
  assert.deepEqual(after.takeSteers('m1'), ['left', 'right']);
  assert.deepEqual(after.takeSteers('m1'), []);
  assert.equal(after.turnEntries('m1').length, 2);
});

test('a turn that is resumed late is asked about as itself, without what came after it', async () => {
  using directory = temporaryDirectory();
  const model = playModel(say('x'));
  const rig = turnRig({ file: `${directory.path}/a.db`, stream: model.stream });
  await rig.run('m0');
  const gone = createInterrupt();
  gone.raise('detached');
  await rig.run('m1', { interrupt: gone });
  await rig.run('m2');
  rig.history.reset();
  await rig.run('m3');
  await rig.run('m1');
  assert.deepEqual(
    model.requests.at(-1)?.turns.map(({ messageId }) => messageId),
    ['m0', 'm1'],
  );
});

test('the oldest turns are left on disk when the newest fill the bound', () => {
  using directory = temporaryDirectory();
  const history = createHistory(openDatabase(`${directory.path}/a.db`), () => '');
  for (let turn = 0; turn < 10; turn++) {
    history.beginTurn({ ...message(`m${turn}`), text: 'x'.repeat(100) });
    history.endTurn(`m${turn}`, { status: 'complete', text: '' });
  }
  assert.deepEqual(
    history.loadPrompt('m9', 250).map(({ messageId }) => messageId),
    ['m8', 'm9'],
  );
  assert.equal(history.loadPrompt('m9', 1).length, 1);
});

test('results of calls that nobody made are left out, and each call has one', () => {
  const call = { type: 'call', callId: 'a', tool: 't', input: '{}' } as const;
  const result = { tool: 't', outcome: 'ok', output: 'x', durationMs: 0 } as const;
  const messages = orderTurn('user', 'hi', [
    { kind: 'result', entry: { ...result, callId: 'nobody' } },
    { kind: 'assistant', entry: { model: 'm', dialect: 'd', parts: [call, { ...call, callId: 'b' }] } },
    { kind: 'result', entry: { ...result, callId: 'b' } },
  ]);
  const tool = messages.at(-1);
  assert.ok(tool?.role === 'tool');
  assert.deepEqual(
    tool.results.map(({ callId, outcome }) => [callId, outcome]),
    [
      ['a', 'unknown'],
      ['b', 'ok'],
    ],
  );
});
