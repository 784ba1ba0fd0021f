import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlackboardPage, BlackboardVersion, BlackboardVersions } from '@openlegion/contract/blackboard';
import { Namespaces, TaskDetail, TaskPage, Topics } from '@openlegion/contract/control-coordination';
import { DeadLetters } from '@openlegion/contract/pubsub';
import { askMesh } from '../mesh/test/ask-mesh.ts';
import { startFixture } from '../test/host-fixture.ts';

const CHANGES: [path: string, body: object][] = [
  ['/api/blackboard/set', { key: 'context/a', value: { n: 1 } }],
  ['/api/blackboard/set', { key: 'context/a', value: { n: 2 }, ifVersion: 1 }],
  ['/api/blackboard/set', { key: 'context/a', value: 'theirs', namespace: 'team/sales' }],
  ['/api/blackboard/delete', { key: 'context/a' }],
  ['/api/blackboard/undo', { key: 'context/a' }],
];

test('a person reads, writes, deletes and undoes entries of any namespace, and each change is recorded', async () => {
  await using fixture = await startFixture({});
  for (const [path, body] of CHANGES) {
    const answer = await fixture.ask('POST', path, body);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.as(BlackboardVersion).writer, 'operator');
  }
  const entry = (await fixture.ask('GET', '/api/blackboard/entry?key=context%2Fa')).as(BlackboardVersion);
  assert.deepEqual([entry.version, entry.value], [4, { n: 2 }]);
  const theirs = await fixture.ask('GET', '/api/blackboard/entry?key=context/a&namespace=team/sales');
  assert.equal(theirs.as(BlackboardVersion).value, 'theirs');
  const page = (await fixture.ask('GET', '/api/blackboard?prefix=context/&limit=1')).as(BlackboardPage);
  assert.deepEqual(
    page.entries.map(({ key }) => key),
    ['context/a'],
  );
  const history = await fixture.ask('GET', '/api/blackboard/history?key=context/a&before=4');
  assert.deepEqual(
    history.as(BlackboardVersions).versions.map(({ version, change }) => [version, change]),
    [
      [3, 'deleted'],
      [2, 'set'],
      [1, 'set'],
    ],
  );
  assert.deepEqual((await fixture.ask('GET', '/api/namespaces')).as(Namespaces).namespaces, ['fleet']);
  const recorded = (await fixture.audit()).filter(({ type }) => type.startsWith('blackboard.'));
  assert.deepEqual(
    recorded.map(({ type, actor, subject }) => [type, actor, subject]),
    [
      ['blackboard.set', 'operator', 'fleet context/a'],
      ['blackboard.set', 'operator', 'fleet context/a'],
      ['blackboard.set', 'operator', 'team/sales context/a'],
      ['blackboard.deleted', 'operator', 'fleet context/a'],
      ['blackboard.undone', 'operator', 'fleet context/a'],
    ],
  );
});

test('what is asked wrongly, or is not there, is refused by every route with what to correct', async () => {
  await using fixture = await startFixture({});
  for (const [method, path, status, body] of [
    ['GET', '/api/blackboard/entry?key=none', 404],
    ['GET', '/api/blackboard/entry', 400],
    ['GET', '/api/blackboard/entry?key=../x', 400],
    ['GET', '/api/blackboard?limit=x', 400],
    ['GET', '/api/blackboard?namespace=team/../x', 400],
    ['GET', '/api/blackboard/history?key=a&before=0', 400],
    ['POST', '/api/blackboard/set', 400, { key: 'a' }],
    ['POST', '/api/blackboard/set', 400, { key: 'a', value: 1, writer: 'bob' }],
    ['POST', '/api/blackboard/set', 409, { key: 'a', value: 1, ifVersion: 7 }],
    ['POST', '/api/blackboard/set', 400, { key: 'a', value: 1, namespace: 'x' }],
    ['POST', '/api/blackboard/undo', 404, { key: 'a' }],
    ['GET', '/api/tasks?status=lost', 400],
    ['GET', '/api/tasks/none', 404],
    ['POST', '/api/tasks/none/cancel', 404, {}],
    ['GET', '/api/dead-letters?after=-1', 400],
    ['POST', '/api/dead-letters/1/replay', 404],
    ['POST', '/api/dead-letters/x/discard', 404],
  ] as const) {
    const answer = await fixture.ask(method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    assert.notEqual(answer.refusal().remedy, '');
  }
});

test('tasks are listed, shown with every move, and called off; what is stuck stands in the status', async () => {
  const handed = Promise.withResolvers<string>();
  await using fixture = await startFixture({
    async turn(turn) {
      if (turn.text === 'go') {
        const task = { to: 'bob', task: 'wait for ever', idempotencyKey: 'k' };
        handed.resolve(JSON.parse((await askMesh(turn.mesh, 'POST', '/mesh/handoff', task)).text).taskId);
      }
      if (turn.agent === 'bob') {
        const blocked = { taskId: turn.messageId, status: 'blocked', note: 'no key' };
        assert.equal((await askMesh(turn.mesh, 'POST', '/mesh/tasks/update', blocked)).status, 200);
      }
      turn.end('ok');
    },
  });
  const { messageId } = await fixture.send('alice', 'go');
  const taskId = await handed.promise;
  const events = await fixture.trace(messageId);
  assert.equal(events.at(-1)?.event.type, 'trace_settled', 'what is blocked holds nobody up');
  const told = async () =>
    (await fixture.status()).attention.tasks.map(({ task, reason }) => [task.taskId, reason]);
  assert.deepEqual(await told(), [[taskId, 'blocked']]);
  const attention = await fixture.ask('GET', `/api/events?message=${messageId}&after=0`);
  assert.match(attention.text, /task_attention|trace_settled/);

  const page = (await fixture.ask('GET', '/api/tasks?agent=bob&open=true')).as(TaskPage);
  assert.deepEqual(
    page.tasks.map((task) => [task.taskId, task.status, task.note]),
    [[taskId, 'blocked', 'no key']],
  );
  const cancelled = await fixture.ask('POST', `/api/tasks/${taskId}/cancel`, { note: 'enough' });
  assert.equal(cancelled.status, 200, cancelled.text);
  assert.equal((await fixture.ask('POST', `/api/tasks/${taskId}/cancel`, {})).status, 409);
  const { changes } = (await fixture.ask('GET', `/api/tasks/${taskId}`)).as(TaskDetail);
  assert.deepEqual(
    changes.map(({ actor, to }) => [actor, to]),
    [
      ['alice', 'pending'],
      ['bob', 'working'],
      ['bob', 'blocked'],
      ['operator', 'cancelled'],
    ],
  );
  assert.deepEqual(await told(), []);
  assert.deepEqual((await fixture.ask('GET', '/api/tasks?open=true')).as(TaskPage).tasks, []);
});

test('topics and dead letters are there to see, and a watch streams what a person writes', async () => {
  await using fixture = await startFixture({});
  assert.deepEqual((await fixture.ask('GET', '/api/topics')).as(Topics).subscriptions, []);
  assert.deepEqual((await fixture.ask('GET', '/api/dead-letters')).as(DeadLetters).letters, []);
  const headers = { authorization: `Bearer ${fixture.token}` };
  const watched = await fetch(`http://127.0.0.1:${fixture.host.port}/api/blackboard/watch?prefix=a/`, {
    headers,
  });
  for (const key of ['b/1', 'a/1', 'a/2'])
    await fixture.ask('POST', '/api/blackboard/set', { key, value: key });
  const seen: unknown[] = [];
  let text = '';
  for await (const piece of watched.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece;
    const lines = text.split('\n').filter(Boolean);
    if (lines.length < 2) continue;
    seen.push(...lines.map((line) => JSON.parse(line).value));
    break;
  }
  assert.deepEqual(seen, ['a/1', 'a/2']);
});
