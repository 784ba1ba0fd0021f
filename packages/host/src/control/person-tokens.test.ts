import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { CreatedToken, TokenList } from '@openlegion/contract/control-tokens';
import { dataPaths } from '@openlegion/contract/installation';
import { createAuditLog } from '../audit/audit-log.ts';
import { createSystemClock } from '../clock.ts';
import { createManualClock } from '../manual-clock.ts';
import { openDatabase } from '../store/database.ts';
import { MESH_MIGRATIONS } from '../store/mesh-schema.ts';
import { type Fixture, startFixture } from '../test/host-fixture.ts';
import { digestOf } from './control-token.ts';
import { createPersonTokens, MOST_TOKENS } from './person-tokens.ts';

async function tokenFor(fixture: Fixture, name: string, role: string, expiresAt?: string) {
  const answer = await fixture.ask('POST', '/api/tokens', {
    name,
    role,
    ...(expiresAt ? { expiresAt } : {}),
  });
  assert.equal(answer.status, 200, answer.text);
  const { token } = answer.as(CreatedToken);
  return { token, headers: { authorization: `Bearer ${token}` } };
}

test('a person uses the API under their own name, and the audit log has it', async () => {
  await using fixture = await startFixture({});
  const { headers } = await tokenFor(fixture, 'sam', 'operator');
  assert.deepEqual(JSON.parse((await fixture.ask('GET', '/api/whoami', undefined, headers)).text), {
    name: 'sam',
    role: 'operator',
  });
  const sent = await fixture.ask('POST', '/api/agents/alice/messages', { text: 'hi' }, headers);
  assert.equal(sent.status, 202, sent.text);
  await fixture.ask('POST', '/api/agents/alice/cancel', {}, headers);
  const records = await fixture.audit();
  const actors = new Map(records.map(({ type, actor }) => [type, actor]));
  assert.equal(actors.get('token.created'), 'operator');
  assert.equal(actors.get('message.accepted'), 'sam');
  assert.equal(actors.get('turn.cancel'), 'sam');
});

test('a role refuses what is above it, and the refusal is recorded once a minute, not at every try', async () => {
  const clock = createManualClock(Date.now());
  await using fixture = await startFixture({ clock: { ...createSystemClock(), now: clock.now } });
  const { headers } = await tokenFor(fixture, 'vera', 'viewer');
  for (let tries = 0; tries < 5; tries += 1) {
    const answer = await fixture.ask('POST', '/api/config/reload', {}, headers);
    assert.equal(answer.status, 403);
    assert.equal(answer.refusal().rule, 'role.admin');
    assert.match(answer.refusal().remedy, /token create/);
  }
  const denied = async () => (await fixture.audit()).filter(({ type }) => type === 'permission.denied');
  assert.deepEqual(
    (await denied()).map(({ actor, subject, rule }) => [actor, subject, rule]),
    [['vera', 'POST /api/config/reload', 'role.admin']],
  );
  clock.advance(60_000);
  await fixture.ask('POST', '/api/config/reload', {}, headers);
  assert.equal((await denied()).length, 2);
});

test('a token is gone when it is revoked or its time is over; a stream that it opened ends', async () => {
  const clock = createManualClock(Date.now());
  await using fixture = await startFixture({ clock: { ...createSystemClock(), now: clock.now } });
  const { headers } = await tokenFor(fixture, 'sam', 'viewer');
  const ended = new Promise<void>((resolve, reject) => {
    const stream = request({
      ...{ host: '127.0.0.1', port: fixture.host.port, path: '/api/events', agent: false, headers },
    });
    stream.on('error', reject);
    stream.on('response', (answer) => {
      assert.equal(answer.statusCode, 200);
      answer.resume().on('error', reject).on('end', resolve);
      void fixture.ask('POST', '/api/tokens/sam/revoke', {}).then(({ status }) => assert.equal(status, 200));
    });
    stream.end();
  });
  await ended;
  assert.equal((await fixture.ask('GET', '/api/status', undefined, headers)).status, 401);
  assert.equal((await fixture.ask('POST', '/api/tokens/sam/revoke', {})).refusal().rule, 'tokens.unknown');

  const soon = await tokenFor(fixture, 'kim', 'viewer', new Date(clock.now() + 1000).toISOString());
  assert.equal((await fixture.ask('GET', '/api/status', undefined, soon.headers)).status, 200);
  clock.advance(1000);
  assert.equal((await fixture.ask('GET', '/api/status', undefined, soon.headers)).status, 401);
  const { tokens } = (await fixture.ask('GET', '/api/tokens')).as(TokenList);
  assert.deepEqual(
    tokens.map(({ name, expired }) => [name, expired]),
    [['kim', true]],
  );
});

test('a request that was begun with a token does nothing once the token is over', async () => {
  const clock = createManualClock(Date.now());
  await using fixture = await startFixture({ clock: { ...createSystemClock(), now: clock.now } });
  const { headers: sam } = await tokenFor(fixture, 'sam', 'operator');
  const { headers: ann } = await tokenFor(
    fixture,
    'ann',
    'operator',
    new Date(clock.now() + 60_000).toISOString(),
  );
  const held = [sam, ann].map((headers) => {
    const sent = request({
      ...{ host: '127.0.0.1', port: fixture.host.port, path: '/api/blackboard/set', method: 'POST' },
      ...{ agent: false, headers: { ...headers, expect: '100-continue' } },
    });
    sent.flushHeaders();
    return sent;
  });
  // The server asks for a body when it has the head.
  await Promise.all(held.map((sent) => once(sent, 'continue')));
  await fixture.ask('POST', '/api/tokens/sam/revoke', {});
  clock.advance(60_000);
  for (const sent of held) {
    sent.end('{"key":"k","value":1}');
    const [answer]: IncomingMessage[] = await once(sent, 'response');
    answer?.resume();
    assert.equal(answer?.statusCode, 401);
  }
});

test('names that are taken, of agents or reserved, roles that do not exist and past ends are refused', async () => {
  await using fixture = await startFixture({});
  await tokenFor(fixture, 'sam', 'viewer');
  const past = '2020-01-01T00:00:00.000Z';
  const bad: [body: unknown, status: number][] = [
    [{ name: 'sam', role: 'viewer' }, 409],
    [{ name: 'alice', role: 'viewer' }, 400],
    [{ name: 'operator', role: 'viewer' }, 400],
    [{ name: 'Sam', role: 'viewer' }, 400],
    [{ name: '../x', role: 'viewer' }, 400],
    [{ name: 'kim', role: 'root' }, 400],
    [{ name: 'kim', role: 'viewer', expiresAt: past }, 400],
    [{ name: 'kim', role: 'viewer', token: 'mine' }, 400],
  ];
  for (const [body, status] of bad)
    assert.equal((await fixture.ask('POST', '/api/tokens', body)).status, status, JSON.stringify(body));
});

test('the store keeps digests, and a token outlives a restart', async () => {
  const home = mkdtempSync(`${tmpdir()}/openlegion-tokens-`);
  try {
    let first = await startFixture({ home });
    const { token, headers } = await tokenFor(first, 'sam', 'approver');
    for (const suffix of ['', '-wal'])
      assert.ok(!readFileSync(dataPaths(home).meshDatabase + suffix).includes(token));
    await first[Symbol.asyncDispose]();
    first = await startFixture({ home });
    assert.equal((await first.ask('GET', '/api/status', undefined, headers)).status, 200);
    await first[Symbol.asyncDispose]();
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

test('there are so many tokens and no more, however many are asked for at once', async () => {
  const home = mkdtempSync(`${tmpdir()}/openlegion-tokens-`);
  const clock = createManualClock();
  const database = openDatabase({ path: `${home}/mesh.db`, migrations: MESH_MIGRATIONS });
  const audit = createAuditLog({ database, clock });
  const tokens = createPersonTokens({ database, audit, clock, isAgent: () => false });
  const asked = Array.from({ length: MOST_TOKENS + 2 }, (_, index) =>
    tokens.create('operator', { name: `p${index}`, role: 'viewer', expiresAt: null }),
  );
  const refused = (await Promise.allSettled(asked)).filter(({ status }) => status === 'rejected');
  assert.equal(refused.length, 2);
  assert.equal(tokens.list().length, MOST_TOKENS);
  database.close();
  rmSync(home, { recursive: true });
});

test('what a token opened ends with its time, after a restart too, and no timer outlives the host', async () => {
  const home = mkdtempSync(`${tmpdir()}/openlegion-tokens-`);
  const clock = createManualClock();
  const database = openDatabase({ path: `${home}/mesh.db`, migrations: MESH_MIGRATIONS });
  const audit = createAuditLog({ database, clock });
  const open = () => createPersonTokens({ database, audit, clock, isAgent: () => false });
  const first = open();
  // Longer than one timer of Node's can be.
  const days = 40 * 86_400_000;
  const expiresAt = new Date(clock.now() + days).toISOString();
  const { token } = await first.create('operator', { name: 'sam', role: 'viewer', expiresAt });
  await first.create('operator', { name: 'ann', role: 'viewer', expiresAt });
  await first.revoke('operator', 'ann');
  first.stop();
  assert.equal(clock.waiting(), 0);
  const second = open();
  const revoked = second.find(digestOf(token))?.revoked;
  clock.advance(days - 1);
  assert.equal(revoked?.aborted, false);
  clock.advance(1);
  assert.equal(revoked?.aborted, true);
  second.stop();
  assert.equal(clock.waiting(), 0);
  database.close();
  rmSync(home, { recursive: true });
});
