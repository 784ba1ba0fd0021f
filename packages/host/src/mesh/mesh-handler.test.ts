import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Session, OutgoingHttpHeaders } from 'node:http2';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { FakeTurn } from '../fleet/test/fake-backend.ts';
import { type Fixture, startFixture } from '../test/host-fixture.ts';

interface MeshAnswer {
  status: number;
  headers: Record<string, unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: what a test reads of an answer it asserts on
  json: any;
}

async function ask(
  mesh: ClientHttp2Session,
  method: string,
  path: string,
  body?: unknown,
  headers: OutgoingHttpHeaders = {},
): Promise<MeshAnswer> {
  const stream = mesh.request({ ':method': method, ':path': path, ...headers }, { endStream: false });
  stream.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  // Read from the start: Node drops what nobody reads when the stream has closed.
  const reading = text(stream);
  const [answer] = await once(stream, 'response');
  const answered = await reading;
  return {
    status: Number(answer[':status']),
    headers: answer,
    json: answered === '' ? null : JSON.parse(answered),
  };
}

/** Runs `work` as the program in the agent's container, in a turn. */
async function asAgent(
  agent: string,
  work: (turn: FakeTurn, fixture: Fixture) => Promise<void>,
): Promise<void> {
  let failure: unknown;
  let ready: (fixture: Fixture) => void = () => {};
  const given = new Promise<Fixture>((resolve) => {
    ready = resolve;
  });
  await using fixture = await startFixture({
    async turn(turn) {
      if (turn.agent === agent && turn.text === 'go') {
        try {
          await work(turn, await given);
        } catch (error) {
          failure = error;
        }
      }
      turn.end('done');
    },
  });
  ready(fixture);
  const { messageId } = await fixture.send(agent, 'go');
  await fixture.trace(messageId);
  if (failure) throw failure;
}

test('a model call goes to the gateway with the identity of its pipe and none of the agent’s headers', async () => {
  await asAgent('alice', async ({ mesh }, { vault }) => {
    const answer = await ask(mesh, 'POST', '/llm/scripted/v1/chat/completions?a=b', '{"x":1}', {
      'content-type': 'application/json',
      authorization: 'Bearer stolen',
      'x-openlegion-agent': 'bob',
      'x-openlegion-trace': 'forged',
      'x-api-key': 'k',
      cookie: 'c=1',
    });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json, { pong: true });
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
      await ask(turn.mesh, 'POST', '/llm/scripted/v1/chat/completions', '{}');
      await ask(turn.mesh, 'POST', '/llm/scripted/v1/chat/completions', '{}');
      turn.end('ok');
    },
  });
  const { messageId } = await fixture.send('alice', 'x');
  const events = await fixture.trace(messageId);
  const charged = events.filter(({ event }) => event.type === 'model_charged');
  assert.equal(charged.length, 2);
  assert.equal((await fixture.ask('GET', `/api/messages/${messageId}`)).json.chargedMicroUsd, 84);
});

test('a model call without allowed_apis: llm is refused, recorded, and does not reach the gateway', async () => {
  await asAgent('carol', async ({ mesh }, fixture) => {
    const answer = await ask(mesh, 'POST', '/llm/scripted/v1/chat/completions', '{}');
    assert.equal(answer.status, 403);
    assert.equal(answer.json.error.rule, 'permissions.default.allowed_apis');
    assert.equal(fixture.vault.calls.length, 0);
    const { records } = (await fixture.ask('GET', '/api/audit?limit=1000')).json;
    assert.ok(
      records.some(
        (record: { type: string; actor: string }) =>
          record.type === 'permission.denied' && record.actor === 'carol',
      ),
    );
  });
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
      const { status } = await ask(mesh, 'POST', path, '{}');
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
    ] as const;
    for (const [method, path, status] of denied) {
      const body =
        path === '/mesh/handoff' ? { to: 'alice', task: 't', idempotencyKey: 'k' } : { model: 'scripted/a' };
      const answer = await ask(mesh, method, path, method === 'GET' ? undefined : body);
      assert.equal(answer.status, status, path);
    }
    assert.deepEqual((await ask(mesh, 'GET', '/mesh/agents')).json, { agents: [] });
    for (const path of [
      '/api/status',
      '/api/agents/bob/messages',
      '/api/audit',
      '/api/verify',
      '/providers',
      '/health',
      '/mesh',
      '/',
    ]) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
        assert.equal(
          (await ask(mesh, method, path, method === 'GET' ? undefined : {})).status,
          404,
          `${method} ${path}`,
        );
      }
    }
  });
});

test('an agent sees those it may message and itself, whatever it claims', async () => {
  await asAgent('alice', async ({ mesh }) => {
    const { json } = await ask(mesh, 'GET', '/mesh/agents', undefined, { 'x-agent-id': 'bob' });
    assert.deepEqual(
      json.agents.map((agent: { name: string }) => agent.name),
      ['bob', 'dave'],
    );
    const self = (await ask(mesh, 'GET', '/mesh/introspect', undefined, { 'x-openlegion-agent': 'bob' }))
      .json;
    assert.equal(self.name, 'alice');
    assert.equal(self.budget.spentTodayMicroUsd, 7);
    assert.equal((await ask(mesh, 'GET', '/mesh/introspect?agent=bob')).status, 404);
  });
});

test('bodies that are not as they should be are refused without an effect', async () => {
  await asAgent('alice', async ({ mesh }, { ask: control }) => {
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
      const answer = await ask(mesh, 'POST', '/mesh/handoff', body);
      assert.equal(answer.status, 400, JSON.stringify(body).slice(0, 60));
      assert.doesNotMatch(JSON.stringify(answer.json), /at .*\.ts|node:|\/packages\//);
    }
    const large = await ask(mesh, 'POST', '/mesh/handoff', { ...good, task: 'x'.repeat(600_000) });
    assert.equal(large.status, 413);
    const status = await control('GET', '/api/status');
    assert.equal(status.json.agents.find((agent: { name: string }) => agent.name === 'bob').queued, 0);
  });
});

test('routing gives the first of the agent’s models that has not failed, and none that is not the agent’s', async () => {
  await asAgent('alice', async ({ mesh }) => {
    const route = await ask(mesh, 'POST', '/mesh/route', { model: 'scripted/a' });
    assert.deepEqual(route.json, {
      model: 'scripted/a',
      dialect: 'openai-chat',
      contextTokens: 1000,
      maxOutputTokens: 100,
    });
    assert.equal((await ask(mesh, 'POST', '/mesh/route', { model: 'scripted/other' })).status, 403);
    const over = await ask(mesh, 'POST', '/mesh/route', { model: 'scripted/a', failed: ['scripted/a'] });
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
          ask(turn.mesh, 'GET', '/mesh/agents'),
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
