import assert from 'node:assert/strict';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { dataPaths } from '@openlegion/contract/installation';
import { createManualClock } from '../manual-clock.ts';
import { startFixture } from '../test/host-fixture.ts';
import { createControlApp, listenControl } from './control-server.ts';
import { createTokenCheck } from './control-token.ts';

const ROUTES: [method: string, path: string, body?: unknown][] = [
  ['GET', '/api/status'],
  ['POST', '/api/agents/alice/messages', { text: 'x' }],
  ['GET', '/api/messages/msg_x'],
  ['GET', '/api/events'],
  ['POST', '/api/agents/alice/steer', { text: 'x' }],
  ['POST', '/api/agents/alice/cancel'],
  ['POST', '/api/agents/alice/reset'],
  ['GET', '/api/agents/alice/history'],
  ['GET', '/api/agents/alice/workspace'],
  ['GET', '/api/agents/alice/workspace/a.md'],
  ['PUT', '/api/agents/alice/workspace/a.md', 'text'],
  ['GET', '/api/costs'],
  ['GET', '/api/audit'],
  ['GET', '/api/models'],
  ['GET', '/api/credentials'],
  ['POST', '/api/config/reload'],
  ['POST', '/api/verify', { canaryPrefix: null }],
  ['GET', '/api/namespaces'],
  ['GET', '/api/blackboard'],
  ['POST', '/api/blackboard/set', { key: 'k', value: 1 }],
  ['GET', '/api/blackboard/entry?key=k'],
  ['GET', '/api/blackboard/history?key=k'],
  ['POST', '/api/blackboard/delete', { key: 'k' }],
  ['POST', '/api/blackboard/undo', { key: 'k' }],
  ['GET', '/api/tasks'],
  ['GET', '/api/topics'],
  ['GET', '/api/dead-letters'],
  ['GET', '/api/whoami'],
  ['GET', '/api/tokens'],
  ['POST', '/api/tokens', { name: 'sam', role: 'viewer' }],
  ['POST', '/api/tokens/sam/revoke', {}],
];

test('every route refuses who has no token, a wrong one, a foreign Host or a foreign Origin', async () => {
  await using fixture = await startFixture({});
  const attempts: [string, Record<string, string>, number][] = [
    ['empty token', { authorization: '' }, 401],
    ['wrong scheme', { authorization: fixture.token }, 401],
    ['one character more', { authorization: `Bearer ${fixture.token}x` }, 401],
    ['foreign name', { host: 'evil.example' }, 403],
    ['rebound name with our port', { host: `evil.example:${fixture.host.port}` }, 403],
    ['suffix of loopback', { host: 'localhost.evil.example' }, 403],
    ['another loopback-like address', { host: '127.0.0.1.nip.io' }, 403],
    ['foreign page', { origin: 'https://evil.example' }, 403],
    ['sandboxed page', { origin: 'null' }, 403],
    ['page of another port', { origin: 'http://127.0.0.1:1' }, 403],
  ];
  for (const [method, path, body] of [
    ...ROUTES,
    ['GET', '/nothing'] as const,
    ['DELETE', '/api/status'] as const,
  ]) {
    for (const [what, headers, status] of attempts) {
      const answer = await fixture.ask(method, path, body, headers);
      // Guessing makes the guard answer 429 instead of 401.
      const right = status === 401 ? [401, 429] : [status];
      assert.ok(right.includes(answer.status), `${method} ${path}, ${what}: ${answer.status}`);
      assert.ok(answer.refusal().message !== '');
    }
  }
  assert.deepEqual(fixture.backend.sandboxes, []);
  assert.equal((await fixture.audit()).length, 1);
});

test('a request without a usable Host is refused before it is routed', async () => {
  await using fixture = await startFixture({});
  for (const [version, host] of [
    ['1.1', 'Host:'],
    ['1.1', 'Host: a@127.0.0.1'],
    ['1.1', 'Host: 127.0.0.1\r\nHost: evil.example'],
    ['1.0', 'X-Forwarded-Host: 127.0.0.1'],
  ]) {
    const socket = connect(fixture.host.port, '127.0.0.1');
    socket.end(
      `GET /api/status HTTP/${version}\r\n${host}\r\nAuthorization: Bearer ${fixture.token}\r\nConnection: close\r\n\r\n`,
    );
    const answer = await text(socket);
    assert.match(answer, /^HTTP\/1\.1 40[03]/, `${version} ${host}`);
    assert.doesNotMatch(answer, /"agents"/);
  }
});

test('every route answers the operator, with the headers that keep a browser out', async () => {
  await using fixture = await startFixture({});
  for (const [method, path, body] of ROUTES) {
    if (path === '/api/events') continue;
    const answer = await fixture.ask(method, path, body);
    const expected = path.startsWith('/api/messages/') ? 404 : ({ 202: 202, 204: 204 }[answer.status] ?? 200);
    assert.equal(answer.status, expected, `${method} ${path}: ${answer.text}`);
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.match(String(answer.headers['content-security-policy']), /default-src 'none'/);
  }
});

test('an agent’s routes are not there for the operator’s token', async () => {
  await using fixture = await startFixture({});
  for (const path of ['/mesh/handoff', '/mesh/agents', '/llm/scripted/x', '/mesh/introspect']) {
    assert.equal((await fixture.ask('POST', path, {})).status, 404);
    assert.equal((await fixture.ask('GET', path)).status, 404);
  }
});

test('the status is whole, and names each agent’s state', async () => {
  await using fixture = await startFixture({});
  const { messageId } = await fixture.send('alice', 'x');
  await fixture.trace(messageId);
  const status = await fixture.status();
  const alice = status.agents.find(({ name }) => name === 'alice');
  assert.equal(alice?.state, 'idle');
  assert.equal(alice?.containerId, fixture.backend.sandboxes[0]?.containerId);
  assert.equal(alice?.spentTodayMicroUsd, 7);
  assert.deepEqual(status.vault, { keeper: true, gateway: true });
});

test('bodies over the limit, of another shape or in pieces without end are refused', async () => {
  await using fixture = await startFixture({});
  const path = '/api/agents/alice/messages';
  const bad: unknown[] = [
    '',
    '{',
    [],
    null,
    { text: '' },
    { text: 1 },
    { text: ['x'] },
    { text: 'x', admin: true },
    { text: 'x', mode: 'now' },
    { text: 'x'.repeat(300_000) },
  ];
  for (const body of bad) {
    const answer = await fixture.ask('POST', path, body);
    assert.equal(answer.status, 400, JSON.stringify(body)?.slice(0, 50));
  }
  assert.equal((await fixture.ask('POST', path, { text: 'x'.repeat(3_000_000) })).status, 413);

  const endless = request({
    port: fixture.host.port,
    host: '127.0.0.1',
    method: 'POST',
    path,
    agent: false,
    headers: { authorization: `Bearer ${fixture.token}` },
  });
  endless.on('error', () => {});
  endless.write('{"text":"');
  for (let sent = 0; sent < 40; sent += 1) endless.write('x'.repeat(65_536));
  const [answer] = await once(endless, 'response');
  assert.equal(answer.statusCode, 413);
  endless.destroy();
});

test('paths that lead out of the workspace are refused before the agent is woken', async () => {
  await using fixture = await startFixture({});
  for (const path of [
    '..%2f..%2fetc%2fpasswd',
    '%2e%2e/x',
    'a%00b',
    'a%0ab',
    '%E2%80%AEx',
    'a//b',
    `${'a/'.repeat(9)}b`,
    'a%20',
  ]) {
    const answer = await fixture.ask('GET', `/api/agents/alice/workspace/${path}`);
    assert.ok([400, 404].includes(answer.status), `${path}: ${answer.status} ${answer.text}`);
  }
  assert.deepEqual(fixture.backend.sandboxes, []);
});

test('the event stream resumes after any event, without a gap or a repetition', async () => {
  await using fixture = await startFixture({});
  const { messageId } = await fixture.send('alice', 'x');
  const events = await fixture.trace(messageId);
  for (const [index, event] of events.entries()) {
    if (index === events.length - 1) continue;
    const { text } = await fixture.ask('GET', `/api/events?message=${messageId}&after=${event.seq}`);
    const seqs = [...text.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => Number(seq));
    assert.deepEqual(
      seqs,
      events.slice(index + 1).map(({ seq }) => seq),
    );
  }
  for (const after of ['-1', 'x', '1e99', '1.5']) {
    assert.equal((await fixture.ask('GET', `/api/events?after=${after}`)).status, 400);
  }
});

test('wrong tokens in a row close the door to wrong tokens, and never to the right one', () => {
  const clock = createManualClock();
  const check = createTokenCheck('secret', clock);
  for (let wrong = 0; wrong < 10; wrong += 1) assert.equal(check(`Bearer ${wrong}`), 'wrong');
  assert.equal(check('Bearer x'), 'wait');
  assert.equal(check(undefined), 'wait');
  clock.advance(1001);
  assert.equal(check('Bearer x'), 'wrong');
  assert.equal(check('Bearer x'), 'wait');
  assert.deepEqual(check('Bearer secret'), { name: 'operator', role: 'admin' });
});

test('the token is new at each start and only its owner can read it', async () => {
  await using first = await startFixture({});
  await using second = await startFixture({});
  assert.notEqual(first.token, second.token);
  assert.equal(first.token.length, 43);
  assert.equal(statSync(dataPaths(first.home).controlToken).mode & 0o777, 0o600);
  assert.equal(statSync(dataPaths(first.home).meshDatabase).mode & 0o777, 0o600);
});

test('a public address is refused, and a taken port says so with a remedy', async () => {
  const empty = createControlApp({
    routes: [],
    checkToken: () => 'wrong',
    onDenied: async () => {},
    warn: () => {},
  });
  for (const host of ['0.0.0.0', '::', '192.168.0.1', '', 'example.com', '127.0.0.1.nip.io']) {
    await assert.rejects(listenControl(empty, { host, port: 0 }), { code: 'denied', rule: 'mesh.host' });
  }
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await assert.rejects(
    listenControl(empty, { host: '127.0.0.1', port }),
    (error: Error & { remedy: string }) => {
      assert.match(error.message, new RegExp(`Port ${port} .* taken`));
      assert.match(error.remedy, /mesh\.port/);
      return true;
    },
  );
  taken.close();
});
