import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import type { ClientHttp2Session } from 'node:http2';
import { test } from 'node:test';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { PermissionsConfig } from '@openlegion/contract/permissions-config';
import { settingsOf } from '../config/load-config.ts';
import { askMesh } from '../mesh/test/ask-mesh.ts';
import { fixtureConfig, startFixture } from '../test/host-fixture.ts';

/* What an agent of one team can find out about, or do to, another team, on every route that there is for agents. */

const ALL = {
  ...{ can_message: ['**'], can_publish: ['**'], can_subscribe: ['**'], blackboard_read: ['**'] },
  ...{ blackboard_write: ['**'], allowed_apis: ['**'], allowed_tools: { '*': 'allow' }, can_spawn: true },
};

function teams() {
  const { mesh } = fixtureConfig();
  const agents = AgentsConfig.parse({
    agents: {
      alice: { team: 'sales', role: 'canary-role', capabilities: ['sum-up'] },
      bob: { team: 'sales', capabilities: ['sum-up'] },
      eve: { team: 'other' },
    },
  });
  const permissions = PermissionsConfig.parse({ permissions: { default: ALL } });
  return { mesh, agents: settingsOf(mesh, agents, permissions), extraRootsPem: null };
}

type Attempt = [method: string, path: string, about?: unknown, absent?: unknown, absentPath?: string];

/** For each route: what eve asks about the others' things, and the same about what nobody has. */
function attempts(seen: { taskId: string; deliveryId: number; lease: string }): Attempt[] {
  const { taskId, deliveryId, lease } = seen;
  const none = { deliveryId: 999, lease: 'x' };
  const handoff = (to: string) => ({ to, task: 'x', idempotencyKey: `k-${to}` });
  return [
    ['POST', '/mesh/blackboard/get', { key: 'context/a' }, { key: 'context/z' }],
    ['POST', '/mesh/blackboard/list', { prefix: 'context/' }, { prefix: 'zzz/' }],
    ['POST', '/mesh/blackboard/history', { key: 'context/a' }, { key: 'context/z' }],
    ['POST', '/mesh/blackboard/delete', { key: 'context/a' }, { key: 'context/z' }],
    ['POST', '/mesh/unsubscribe', { topic: 'news' }, { topic: 'none' }],
    ['POST', '/mesh/events', {}],
    ['POST', '/mesh/events/ack', { deliveryId, lease }, none],
    ['POST', '/mesh/events/nack', { deliveryId, lease }, none],
    ['GET', '/mesh/inbox'],
    ['GET', '/mesh/tasks'],
    ['POST', '/mesh/tasks/update', { taskId, status: 'working' }, { taskId: 'none', status: 'working' }],
    ['POST', '/mesh/tasks/complete', { taskId, result: 1 }, { taskId: 'none', result: 1 }],
    ['POST', '/mesh/tasks/cancel', { taskId }, { taskId: 'none' }],
    ['POST', '/mesh/handoff', handoff('bob'), handoff('zob')],
    ['POST', '/mesh/handoff', handoff('capability:sum-up'), handoff('capability:zum-up')],
    ['POST', '/mesh/publish', { topic: 'news', payload: 1 }],
    ['POST', '/mesh/subscribe', { topic: 'news', mode: 'inbox' }],
    ['POST', '/mesh/blackboard/set', { key: 'context/a', value: 'hers' }],
    ['GET', '/mesh/agents'],
    ['GET', '/mesh/history/bob', undefined, undefined, '/mesh/history/zob'],
    ['GET', '/mesh/artifacts/alice/report', undefined, undefined, '/mesh/artifacts/alice/zeport'],
    ['GET', '/mesh/spawn'],
    ['GET', '/mesh/introspect'],
    ['GET', '/mesh/vault'],
    ['GET', '/mesh/models'],
  ];
}

/** Routes on which there is nothing of another agent to ask for: they take nothing that could name one. */
const NAMES_NOBODY = [
  '/mesh/blackboard/watch', // Below, for it does not end.
  '/mesh/route',
  '/mesh/notify',
  '/mesh/vault/key',
  '/mesh/vault/generate',
  '/mesh/vault/capture',
  '/mesh/approvals',
  '/mesh/workflows',
  '/mesh/tool-pins',
];

test('every route of the mesh is in the matrix of teams', () => {
  const tried = attempts({ taskId: '', deliveryId: 0, lease: '' }).map(([, path]) => path);
  const declared = globSync(`${import.meta.dirname}/../**/*.ts`)
    .filter((file) => !/\.test\.ts$|\/test\/|\/verify\//.test(file))
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/'(\/mesh\/[a-z/-]+)(?:\{rest\})?'/g)])
    .map(([, path]) => path ?? '');
  assert.ok(declared.length > 25);
  const missing = declared.filter(
    (path) =>
      !NAMES_NOBODY.includes(path) &&
      !tried.some((one) => one === path || (path.endsWith('/') && one.startsWith(path))),
  );
  assert.deepEqual(missing, [], 'add these to the matrix: what can one team learn of another on them?');
});

test('whatever an agent of another team asks, it finds what it would find if nothing of the others were there', async () => {
  let eve: ClientHttp2Session | undefined;
  let failure: unknown;
  const going = Promise.withResolvers<void>();
  await using fixture = await startFixture({
    config: teams(),
    async turn(turn) {
      if (turn.agent === 'eve') {
        eve = turn.mesh;
        await going.promise;
      }
      if (turn.agent === 'alice' && turn.text === 'go')
        await asAlice(turn.mesh).catch((error) => (failure = error));
      turn.end('canary-reply');
    },
  });
  const { messageId: evesTurn } = await fixture.send('eve', 'wait');

  async function asAlice(mesh: ClientHttp2Session): Promise<void> {
    const ask = async (path: string, body: object) => {
      const answer = await askMesh(mesh, 'POST', path, body);
      assert.equal(answer.status, 200, `${path}: ${answer.text}`);
      return JSON.parse(answer.text);
    };
    await ask('/mesh/blackboard/set', { key: 'context/a', value: 'canary-value' });
    await ask('/mesh/subscribe', { topic: 'news', mode: 'inbox' });
    await ask('/mesh/publish', { topic: 'news', payload: 'canary-payload' });
    const { taskId } = await ask('/mesh/handoff', { to: 'bob', task: 'canary-task', idempotencyKey: 'k' });
    const { deliveries } = await ask('/mesh/events', {});
    await askMesh(mesh, 'PUT', '/mesh/artifacts/report', 'canary-bytes');
    assert.ok(eve);
    for (const [method, path, about, absent, absentPath] of attempts({ taskId, ...deliveries[0] })) {
      const asked = await askMesh(eve, method, path, about);
      assert.ok(!asked.text.includes('canary'), `${method} ${path}: ${asked.text}`);
      if (absent === undefined && absentPath === undefined) continue;
      const nothing = await askMesh(eve, method, absentPath ?? path, absent);
      assert.equal(asked.status, nothing.status, `${path}: ${asked.text} ${nothing.text}`);
      assert.equal(renamed(asked.text), nothing.text, path);
    }
    const got = await ask('/mesh/blackboard/get', { key: 'context/a' });
    assert.equal(got.value, 'canary-value', 'what eve wrote under the same key is hers alone');
  }

  const { messageId } = await fixture.send('alice', 'go');
  await fixture.trace(messageId);
  going.resolve();
  await fixture.trace(evesTurn);
  if (failure) throw failure;
});

/** What was asked about, in the words of the question about nothing. */
function renamed(text: string): string {
  const names = {
    'context/a': 'context/z',
    'sum-up': 'zum-up',
    '\\"bob': '\\"zob',
    'alice/report': 'alice/zeport',
  };
  return Object.entries(names).reduce((renaming, [from, to]) => renaming.replaceAll(from, to), text);
}

test('a watch tells nothing of another team', async () => {
  let failure: unknown;
  await using fixture = await startFixture({
    config: teams(),
    async turn(turn) {
      if (turn.text === 'watch') {
        const stream = turn.mesh.request(
          { ':method': 'POST', ':path': '/mesh/blackboard/watch' },
          { endStream: false },
        );
        stream.end('{}');
        const ask = (namespace: string) =>
          fixture.ask('POST', '/api/blackboard/set', { key: 'a', value: namespace, namespace });
        for (const namespace of ['team/sales', 'fleet', 'team/other']) await ask(namespace);
        for await (const chunk of stream) {
          try {
            const [first = ''] = String(chunk).split('\n');
            assert.equal(JSON.parse(first).value, 'team/other');
          } catch (error) {
            failure = error;
          }
          break;
        }
      }
      turn.end('ok');
    },
  });
  const { messageId } = await fixture.send('eve', 'watch');
  await fixture.trace(messageId);
  if (failure) throw failure;
});
