import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createInterrupt } from '../loop/interrupt.ts';
import { playModel, say, temporaryDirectory, turnRig } from '../testing/turn-rig.ts';
import { createHistory } from './create-history.ts';
import { MIGRATIONS } from './migrations.ts';
import { openDatabase } from './open-database.ts';
import { orderTurn } from './order-turn.ts';

const message = (messageId: string) => ({
  messageId,
  traceId: 't',
  from: 'user',
  text: messageId,
  mode: 'chat' as const,
});

test('every commit is on disk before it returns, and the schema is made once', () => {
  using directory = temporaryDirectory();
  const first = openDatabase(`${directory.path}/a.db`);
  assert.equal(first.read('PRAGMA journal_mode')[0]?.journal_mode, 'wal');
  assert.equal(first.read('PRAGMA synchronous')[0]?.synchronous, 2);
  first.close();
  const again = openDatabase(`${directory.path}/a.db`);
  assert.equal(again.read('PRAGMA user_version')[0]?.user_version, MIGRATIONS.length);
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

test('messages are given from behind a place on, and those of the turn under way whatever its place', () => {
  using directory = temporaryDirectory();
  const history = createHistory(openDatabase(`${directory.path}/a.db`), () => '');
  const answer = (text: string) => ({ model: 'm', dialect: 'd', parts: [{ type: 'text' as const, text }] });
  for (const id of ['m0', 'm1', 'm2']) {
    history.beginTurn(message(id));
    history.recordAssistant(id, answer(id));
  }
  const all = history.placedMessages('m2', { seq: 0, entry: 0 });
  assert.equal(all.length, 6);
  for (const [index, { seq, entry }] of all.entries())
    assert.deepEqual(history.placedMessages('m2', { seq, entry }), all.slice(index + 1));
  const last = all.at(-1);
  history.recordAssistant('m1', answer('late'));
  const late = history.placedMessages('m1', { seq: last?.seq ?? 0, entry: last?.entry ?? 0 });
  assert.equal(late.length, 1);
});

test('what is no chat is a session of its own, and leaves the one of the chat alone', () => {
  using directory = temporaryDirectory();
  const history = createHistory(openDatabase(`${directory.path}/a.db`), () => '');
  history.beginTurn(message('m0'));
  history.beginTurn({
    ...message('t1'),
    mode: 'task',
    task: { type: 'x', input: 1, context: null, outputSchema: null },
  });
  history.beginTurn({ ...message('h1'), mode: 'heartbeat' });
  history.beginTurn(message('m1'));
  const shown = (id: string) =>
    history.placedMessages(id, { seq: 0, entry: 0 }).map(({ messageId }) => messageId);
  assert.deepEqual([shown('t1'), shown('h1'), shown('m1')], [['t1'], ['h1'], ['m0', 'm1']]);
  assert.ok(history.isFirstTurn('t1'));
  assert.ok(!history.isFirstTurn('m1'));
});

test('a steer that comes too late for its turn is there in the next', () => {
  using directory = temporaryDirectory();
  const history = createHistory(openDatabase(`${directory.path}/a.db`), () => '');
  history.beginTurn(message('m0'));
  history.addSteer('m0', 'and be brief');
  history.endTurn('m0', { status: 'complete', text: 'done' });
  history.beginTurn(message('m1'));
  const texts = history
    .placedMessages('m1', { seq: 0, entry: 0 })
    .map((item) => item.message.role === 'user' && item.message.text);
  assert.ok(texts.includes('and be brief'));
});

test('results of calls that nobody made are left out, and each call has one', () => {
  const call = { type: 'call', callId: 'a', tool: 't', input: '{}' } as const;
  const result = { tool: 't', outcome: 'ok', output: 'x', durationMs: 0 } as const;
  const turn = { messageId: 'm', seq: 1, sender: 'user', text: 'hi', task: undefined };
  const placed = orderTurn(turn, [
    { id: 1, kind: 'result', entry: { ...result, callId: 'nobody' } },
    {
      id: 2,
      kind: 'assistant',
      entry: { model: 'm', dialect: 'd', parts: [call, { ...call, callId: 'b' }] },
    },
    { id: 3, kind: 'result', entry: { ...result, callId: 'b' } },
  ]);
  assert.equal(placed.at(-1)?.entry, 3);
  const tool = placed.at(-1)?.message;
  assert.ok(tool?.role === 'tool');
  assert.deepEqual(
    tool.results.map(({ callId, outcome }) => [callId, outcome]),
    [
      ['a', 'unknown'],
      ['b', 'ok'],
    ],
  );
});
