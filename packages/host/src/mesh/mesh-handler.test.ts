import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { Introspection, Route } from '@openlegion/contract/mesh-api';
import { z } from 'zod';
import { createManualClock } from '../manual-clock.ts';
import { type Fixture, fixtureConfig, startFixture } from '../test/host-fixture.ts';
import { MESH_RATE } from './rate-limit.ts';
import { asAgent, askMesh } from './test/ask-mesh.ts';
import { MOST_CALLS_A_TURN } from './turn-calls.ts';

const Agents = z.object({ agents: z.array(z.object({ name: z.string() })) });

test('a model call goes to the gateway with the identity of its pipe and none of the agent’s headers', async () => {
  await asAgent('alice', async ({ mesh }, { vault }) => {
    const answer = await askMesh(mesh, 'POST', '/llm/scripted/v1/chat/completions?a=b', '{"x":1}', {
      'content-type': 'application/json',
      authorization: 'Bearer stolen',
      'x-openlegion-agent': 'bob',
      'x-openlegion-trace': 'forged',
      'x-api-key': 'k',
      cookie: 'c=1',
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.text, '{"pong":true}');
    assert.equal(answer.headers['x-secret'], undefined);
    const [call] = vault.calls;
    assert.equal(call?.url, '/llm/scripted/v1/chat/completions?a=b');
    assert.equal(call?.body, '{"x":1}');
    assert.equal(call?.headers['x-openlegion-agent'], 'alice');
    assert.match(String(call?.headers['x-openlegion-trace']), /^trc_/);
    for (const name of ['authorization', 'x-api-key', 'cookie']) assert.equal(call?.headers[name], undefined);
  });
});

test('a model call’s cost is noted with its message before the message settles', async () => {
  await using fixture = await startFixture({
    async turn(turn) {
      await askMesh(turn.mesh, 'POST', '/llm/scripted/v1/chat/completions', '{}');
      await askMesh(turn.mesh, 'POST', '/llm/scripted/v1/chat/completions', '{}');
      turn.end('ok');
    },
  });
  const { messageId } = await fixture.send('alice', 'x');
  const events = await fixture.trace(messageId);
  const charged = events.filter(({ event }) => event.type === 'model_charged');
  assert.equal(charged.length, 2);
  assert.equal((await fixture.message(messageId)).chargedMicroUsd, 84);
});

test('a model call without allowed_apis: llm is refused, recorded, and does not reach the gateway', async () => {
  await asAgent('carol', async ({ mesh }, fixture) => {
    const answer = await askMesh(mesh, 'POST', '/llm/scripted/v1/chat/completions', '{}');
    assert.equal(answer.status, 403);
    assert.equal(answer.refusal().rule, 'permissions.default.allowed_apis');
    assert.equal(fixture.vault.calls.length, 0);
    const records = await fixture.audit();
    assert.ok(records.some(({ type, actor }) => type === 'permission.denied' && actor === 'carol'));
  });
});

test('a turn calls models so many times and no more, whatever runs in the container; the next turn begins anew', async () => {
  const clock = createManualClock();
  const statuses: number[][] = [];
  await using fixture = await startFixture({
    clock,
    async turn(turn) {
      const seen: number[] = [];
      const calls = statuses.length === 0 ? MOST_CALLS_A_TURN + 1 : 1;
      for (let call = 0; call < calls; call += 1) {
        // Within the rate of requests, which is another limit.
        if (call % MESH_RATE.perSecond === 0) clock.advance(1000);
        const answer = await askMesh(turn.mesh, 'POST', '/llm/scripted/v1/chat/completions', '{}');
        if (answer.status !== 200) assert.equal(answer.refusal().rule, 'turn.model_calls');
        seen.push(answer.status);
      }
      statuses.push(seen);
      turn.end('ok');
    },
  });
  for (const text of ['x', 'y']) await fixture.trace((await fixture.send('alice', text)).messageId);
  assert.equal(fixture.vault.calls.length, MOST_CALLS_A_TURN + 1);
  assert.deepEqual(
    statuses.map((seen) => seen.slice(-2)),
    [[200, 403], [200]],
  );
});

test('paths that are not a model interface are refused before the gateway', async () => {
  await asAgent('alice', async ({ mesh }, { vault }) => {
    for (const path of [
      '/llm/../providers',
      '/llm/scripted/../../providers',
      '/llm//x',
      '/llm/scripted/',
      '/llm/UP/x',
      `/llm/scripted/${'a'.repeat(600)}`,
      '/llm/scripted/a#b',
      '/llm/scripted/a\\b',
    ]) {
      const { status } = await askMesh(mesh, 'POST', path, '{}');
      assert.equal(status, 400, path);
    }
    assert.equal(vault.calls.length, 0);
  });
});

test('an agent that goes away in a model call ends the call at the gateway', async () => {
  await using fixture = await startFixture({
    async turn(turn) {
      if (turn.text !== 'go') return turn.end('again');
      const stream = turn.mesh.request(
        { ':method': 'POST', ':path': '/llm/scripted/x' },
        { endStream: false },
      );
      stream.on('error', () => {});
      stream.end('{}');
      await once(stream, 'response');
      stream.close(8);
      turn.end('left');
    },
  });
  const closed = Promise.withResolvers<void>();
  fixture.vault.answer = (request, response) => {
    response.writeHead(200);
    response.write('a');
    request.socket.on('close', closed.resolve);
  };
  await fixture.send('alice', 'go');
  await closed.promise;
});

test('a gateway that dies in the middle of an answer ends the agent’s stream with an error', async () => {
  await asAgent('alice', async ({ mesh }, fixture) => {
    fixture.vault.answer = (request, response) => {
      response.writeHead(200);
      response.write('partial', () => request.socket.destroy());
    };
    const stream = mesh.request({ ':method': 'POST', ':path': '/llm/scripted/x' }, { endStream: false });
    stream.end('{}');
    await assert.rejects(text(stream));
  });
});

test('every route of the table answers an agent by its own permission; the operator’s routes are not there', async () => {
  await asAgent('carol', async ({ mesh }) => {
    const denied = [
      ['POST', '/llm/scripted/x', 403],
      ['POST', '/mesh/route', 403],
      ['POST', '/mesh/handoff', 403],
      ['GET', '/mesh/agents', 200],
      ['GET', '/mesh/introspect', 200],
      ['GET', '/mesh/models', 200],
      ['GET', '/mesh/vault', 200],
      ['GET', '/mesh/vault/key', 403],
      ['POST', '/mesh/vault/generate', 403],
      ['POST', '/mesh/vault/capture', 403],
      // Decided by the keeper, for what is asked through them.
      ['GET', '/services/github/x', 200],
      ['CONNECT', 'egress', 200],
    ] as const;
    for (const [method, path, status] of denied) {
      const body =
        path === '/mesh/handoff' ? { to: 'alice', task: 't', idempotencyKey: 'k' } : { model: 'scripted/a' };
      const answer = await askMesh(mesh, method, path, method === 'POST' ? body : undefined);
      assert.equal(answer.status, status, path);
    }
    assert.deepEqual((await askMesh(mesh, 'GET', '/mesh/agents')).as(Agents), { agents: [] });
    for (const path of [
      '/api/status',
      '/api/agents/bob/messages',
      '/api/audit',
      '/api/verify',
      '/providers',
      '/health',
      '/mesh',
      '/mesh/vault/',
      '/mesh/vault/names',
      '/egress',
      '/authority/alice',
      '/',
    ]) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
        assert.equal(
          (await askMesh(mesh, method, path, method === 'GET' ? undefined : {})).status,
          404,
          `${method} ${path}`,
        );
      }
    }
  });
});

test('an agent sees those it may message and itself, whatever it claims', async () => {
  await asAgent('alice', async ({ mesh }) => {
    const seen = await askMesh(mesh, 'GET', '/mesh/agents', undefined, { 'x-agent-id': 'bob' });
    assert.deepEqual(
      seen.as(Agents).agents.map(({ name }) => name),
      ['bob', 'dave'],
    );
    const claim = { 'x-openlegion-agent': 'bob' };
    const self = (await askMesh(mesh, 'GET', '/mesh/introspect', undefined, claim)).as(Introspection);
    assert.equal(self.name, 'alice');
    assert.equal(self.budget.spentTodayMicroUsd, 7);
    assert.equal(self.budget.remainingTodayMicroUsd, 2);
    assert.deepEqual(self.budget.fleet, { remainingTodayMicroUsd: 2, remainingMonthMicroUsd: 1 });
    assert.equal(self.budget.team, null);
    assert.equal((await askMesh(mesh, 'GET', '/mesh/introspect?agent=bob')).status, 404);
  });
});

test('bodies that are not as they should be are refused without an effect', async () => {
  await asAgent('alice', async ({ mesh }, fixture) => {
    const good = { to: 'bob', task: 'x', idempotencyKey: 'k' };
    const bad: unknown[] = [
      '',
      '{',
      '[]',
      'null',
      '"a"',
      '\ufeff{}',
      { ...good, from: 'bob' },
      { ...good, agent: 'dave' },
      { ...good, to: ['bob'] },
      { ...good, to: 'Bob' },
      { ...good, task: 5 },
      { ...good, task: '' },
      { ...good, idempotencyKey: '' },
      `{"to":"bob","to":1}`,
      `{"__proto__":{"to":"bob"}}`,
      '['.repeat(100_000),
    ];
    for (const body of bad) {
      const answer = await askMesh(mesh, 'POST', '/mesh/handoff', body);
      assert.equal(answer.status, 400, JSON.stringify(body).slice(0, 60));
      assert.doesNotMatch(answer.text, /at .*\.ts|node:|\/packages\//);
    }
    const large = await askMesh(mesh, 'POST', '/mesh/handoff', { ...good, task: 'x'.repeat(1_100_000) });
    assert.equal(large.status, 413);
    const { agents } = await fixture.status();
    assert.equal(agents.find(({ name }) => name === 'bob')?.queued, 0);
  });
});

test('routing gives the first of the agent’s models that has not failed, and none that is not the agent’s', async () => {
  await asAgent('alice', async ({ mesh }) => {
    const route = await askMesh(mesh, 'POST', '/mesh/route', { model: 'scripted/a' });
    assert.deepEqual(route.as(Route), {
      model: 'scripted/a',
      dialect: 'openai-chat',
      contextTokens: 1000,
      maxOutputTokens: 100,
    });
    assert.equal((await askMesh(mesh, 'POST', '/mesh/route', { model: 'scripted/other' })).status, 403);
    const over = await askMesh(mesh, 'POST', '/mesh/route', { model: 'scripted/a', failed: ['scripted/a'] });
    assert.equal(over.status, 503);
  });
});

test('requests over the rate are refused, and another agent’s are not', async () => {
  const rates = new Map<string, number[]>();
  await using fixture = await startFixture({
    async turn(turn) {
      const count = turn.agent === 'alice' ? 300 : 5;
      const statuses: number[] = [];
      for (let sent = 0; sent < count; sent += 30) {
        const batch = Array.from({ length: Math.min(30, count) }, () =>
          askMesh(turn.mesh, 'GET', '/mesh/agents'),
        );
        statuses.push(...(await Promise.all(batch)).map(({ status }) => status));
      }
      rates.set(turn.agent, statuses);
      turn.end('ok');
    },
  });
  const [alice, bob] = [await fixture.send('alice', 'x'), await fixture.send('bob', 'x')];
  await Promise.all([fixture.trace(alice.messageId), fixture.trace(bob.messageId)]);
  assert.ok(rates.get('alice')?.includes(429));
  assert.deepEqual(rates.get('bob'), [200, 200, 200, 200, 200]);
});

test('each attempt at a model that failed is told with its status and a reason that is fit to be shown', async () => {
  await using fixture = await startFixture({
    async turn(turn) {
      for (const path of ['/llm/scripted/1', '/llm/scripted/2', '/llm/scripted/3', '/llm/scripted/4'])
        await askMesh(turn.mesh, 'POST', path, '{}').catch(() => {});
      turn.end('ok');
    },
  });
  fixture.vault.answer = (request, response) => {
    if (request.url?.endsWith('1'))
      response.writeHead(529).end('{"error":{"message":"over\\u001b[2Jloaded\\nnow"},"type":"error"}');
    else if (request.url?.endsWith('2')) response.writeHead(500).end('<html>');
    else if (request.url?.endsWith('3')) response.writeHead(400).end(`{"error":"${'x'.repeat(20_000)}"}`);
    else {
      response.writeHead(200);
      response.write('half', () => request.socket.destroy());
    }
  };
  const { messageId } = await fixture.send('alice', 'x');
  const failed = (await fixture.trace(messageId)).flatMap(({ event }) =>
    event.type === 'model_failed' ? [event] : [],
  );
  const none = 'It was refused without a reason that can be shown.';
  assert.deepEqual(
    failed.map(({ model, httpStatus, reason }) => [model, httpStatus, reason]),
    [
      ['scripted/a', 529, 'over [2Jloaded now'],
      ['scripted/a', 500, none],
      ['scripted/a', 400, none],
      ['scripted/a', 0, 'The answer broke off.'],
    ],
  );
});

test('of several models at one provider the one that was called is told, and none that is not the agent’s', async () => {
  const config = fixtureConfig();
  const alice = config.agents.get('alice');
  assert.ok(alice);
  const models = ['scripted/a', 'scripted/b'];
  await using fixture = await startFixture({
    config: { ...config, agents: new Map([['alice', { ...alice, models }]]) },
    async turn(turn) {
      const call = (path: string, body: string) => askMesh(turn.mesh, 'POST', `/llm/scripted/${path}`, body);
      await call('chat/completions', '{"messages":[],"model": "b"}');
      await call('models/a:generateContent', '{}');
      await call('chat/completions', '{"model":"elsewhere"}');
      turn.end('ok');
    },
  });
  const { messageId } = await fixture.send('alice', 'x');
  const charged = (await fixture.trace(messageId)).flatMap(({ event }) =>
    event.type === 'model_charged' ? [event.model] : [],
  );
  assert.deepEqual(charged, ['scripted/b', 'scripted/a', 'scripted']);
  assert.deepEqual(
    fixture.vault.calls.map(({ body }) => body.length),
    [28, 2, 21],
  );
});

test('a grant that is withdrawn while a body is on its way is not granted any more', async () => {
  const plain = fixtureConfig();
  const alice = plain.agents.get('alice');
  assert.ok(alice);
  const granting = (allowed_apis: string[], blackboard_write: string[]) => {
    const permissions = { ...alice.permissions, allowed_apis, blackboard_write };
    return { ...plain, agents: new Map([...plain.agents, ['alice', { ...alice, permissions }]]) };
  };
  const given = Promise.withResolvers<Fixture>();
  const held: string[] = [];
  await using fixture = await startFixture({
    config: granting(['llm'], ['**']),
    readConfig: () => granting([], []),
    async turn({ mesh, end }) {
      const streams = ['/mesh/blackboard/set', '/mesh/route'].map((path) => {
        const stream = mesh.request({ ':method': 'POST', ':path': path }, { endStream: false });
        stream.write('{');
        return { stream, answer: text(stream) };
      });
      // Answered after both are known to the host.
      await askMesh(mesh, 'GET', '/mesh/agents');
      await (await given.promise).ask('POST', '/api/config/reload', {});
      streams[0]?.stream.end('"key":"k","value":1}');
      streams[1]?.stream.end('"model":"scripted/a","failed":[]}');
      for (const { answer } of streams) held.push(JSON.parse(await answer).error?.rule);
      end('ok');
    },
  });
  given.resolve(fixture);
  await fixture.trace((await fixture.send('alice', 'go')).messageId);
  assert.deepEqual(held, ['permissions.alice.blackboard_write', 'permissions.alice.allowed_apis']);
});
