import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import type { FleetEvent } from '@openlegion/contract/control-api';
import { MessageAccepted } from '@openlegion/contract/control-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import { createManualClock } from '../manual-clock.ts';
import { fixtureConfig, startFixture } from '../test/host-fixture.ts';
import { FLEET_LIMITS } from './fleet-limits.ts';
import { decideRestart } from './restart-policy.ts';

const types = (events: FleetEvent[]) =>
  events.map(({ event }) => event.type).filter((type) => type !== 'turn');

const Cancelled = z.strictObject({ cancelled: z.boolean() });
const Steered = z.strictObject({ steered: z.boolean(), messageId: z.string() });

test('an agent that ends in its turn is started again, and the message is given to it again', async () => {
  const clock = createManualClock();
  let tries = 0;
  await using fixture = await startFixture({
    clock,
    turn(turn) {
      tries += 1;
      if (tries === 1) turn.crash();
      else turn.end('at last');
    },
  });
  const { messageId } = await fixture.send('alice', 'x');
  const events = await settle(fixture, clock, messageId);
  assert.deepEqual(types(events), [
    'message_accepted',
    'agent_starting',
    'agent_ready',
    'agent_stopped',
    'agent_starting',
    'agent_ready',
    'message_settled',
    'trace_settled',
  ]);
  const view = await fixture.message(messageId);
  assert.equal(view.reply, 'at last');
  const status = (await fixture.status()).agents[0];
  assert.equal(status?.restarts, 1);
});

test('a message that ends its agent three times fails with the reason', async () => {
  const clock = createManualClock();
  await using fixture = await startFixture({ clock, turn: (turn) => turn.crash() });
  const { messageId } = await fixture.send('alice', 'x');
  const events = await settle(fixture, clock, messageId);
  const settled = events.find(({ event }) => event.type === 'message_settled')?.event;
  assert.ok(settled?.type === 'message_settled');
  assert.equal(settled.status, 'failed');
  assert.equal(settled.refusal?.rule, 'fleet.agent_ended');
  assert.match(
    settled.refusal?.message ?? '',
    /ended in the middle of its turn: its program ended by itself with code 1/,
  );
  assert.equal(fixture.backend.sandboxes.length, 3);
});

test('after three restarts in an hour the agent waits for the operator, whose message starts it again', async () => {
  const clock = createManualClock();
  let crash = true;
  await using fixture = await startFixture({
    clock,
    turn(turn) {
      if (crash) turn.crash();
      else turn.end('well again');
    },
  });
  const first = await fixture.send('alice', 'one');
  await settle(fixture, clock, first.messageId);
  const second = await fixture.send('bob', 'unrelated');
  void second;
  const third = await fixture.ask('POST', '/api/agents/alice/messages', { text: 'two' });
  assert.equal(third.status, 202);
  crash = false;
  const events = await settle(fixture, clock, third.as(MessageAccepted).messageId);
  const settled = events.find(({ event }) => event.type === 'message_settled')?.event;
  assert.ok(settled?.type === 'message_settled' && settled.status === 'done');
});

test('restarts are three an hour, each after twice the time', () => {
  const hour = 3_600_000;
  const now = 10 * hour;
  assert.deepEqual(decideRestart([], now), { restart: true, afterMs: 0 });
  assert.deepEqual(decideRestart([now - 1], now), { restart: true, afterMs: 1000 });
  assert.deepEqual(decideRestart([now - 2, now - 1], now), { restart: true, afterMs: 2000 });
  assert.deepEqual(decideRestart([now - 3, now - 2, now - 1], now), { restart: true, afterMs: 4000 });
  assert.deepEqual(decideRestart([now - 4, now - 3, now - 2, now - 1], now), { restart: false });
  assert.deepEqual(decideRestart([now - hour, now - hour, now - hour, now - hour], now), {
    restart: true,
    afterMs: 0,
  });
});

test('what the container ended of is told and recorded: memory, a limit, from outside', async () => {
  for (const [cause, words] of [
    ['out_of_memory', /memory_limit/],
    ['limit', /it wrote too much/],
    ['killed', /killed from outside/],
  ] as const) {
    const clock = createManualClock();
    let first = true;
    await using fixture = await startFixture({
      clock,
      turn(turn) {
        if (!first) return turn.end('ok');
        first = false;
        fixture.backend.sandboxes[0]?.end(cause, cause === 'limit' ? 'it wrote too much' : '');
      },
    });
    const { messageId } = await fixture.send('alice', 'x');
    const events = await settle(fixture, clock, messageId);
    const stopped = events.find(({ event }) => event.type === 'agent_stopped')?.event;
    assert.ok(stopped?.type === 'agent_stopped');
    assert.match(stopped.reason, words);
    const records = await fixture.audit();
    const record = records.find(({ type }) => type === 'agent.stopped');
    assert.equal(JSON.parse(record?.detail ?? '').cause, cause);
  }
});

test('a failed processor limit stops the agent before it is started', async () => {
  const clock = createManualClock();
  await using fixture = await startFixture({ clock });
  fixture.backend.clampError = new OpenLegionError({
    code: 'unavailable',
    rule: 'sandbox.clamp',
    message: 'no clamp',
    remedy: 'r',
  });
  const { messageId } = await fixture.send('alice', 'x');
  const events = await settle(fixture, clock, messageId);
  const settled = events.find(({ event }) => event.type === 'message_settled')?.event;
  assert.ok(settled?.type === 'message_settled');
  assert.equal(settled.refusal?.rule, 'sandbox.clamp');
  for (const sandbox of fixture.backend.sandboxes) assert.ok(!sandbox.events.includes('/start'));
});

const away = () =>
  new OpenLegionError({
    code: 'unavailable',
    rule: 'engine.create container',
    message: 'The engine does not run.',
    remedy: 'Start it.',
  });

test('a message waits for an engine that is away, is told so once, and is answered once when it is back', async () => {
  const clock = createManualClock();
  await using fixture = await startFixture({ clock });
  for (let times = 0; times < 10; times += 1) fixture.backend.startErrors.push(away());
  const { messageId } = await fixture.send('alice', 'x');
  const events = await settle(fixture, clock, messageId);
  assert.deepEqual(types(events), [
    'message_accepted',
    'agent_starting',
    'refused',
    'agent_ready',
    'message_settled',
    'trace_settled',
  ]);
  const told = events.find(({ event }) => event.type === 'refused')?.event;
  assert.ok(told?.type === 'refused');
  assert.match(told.refusal.remedy, /^Start it\. The message waits/);
  assert.equal((await fixture.message(messageId)).reply, 'echo: x');
  const records = await fixture.audit();
  const failures = records.filter(({ type }) => type === 'agent.start_failed');
  assert.equal(failures.length, 1);
});

test('a turn that a full disk ended is given again, to a new container, when there is room', async () => {
  const clock = createManualClock();
  let looks = 0;
  let turns = 0;
  await using fixture = await startFixture({
    clock,
    diskIsFull() {
      looks += 1;
      return looks < 5;
    },
    turn(turn) {
      turns += 1;
      if (turns > 1) return turn.end('there is room');
      const refusal = { code: 'disk_full', rule: 'agent.history', message: 'full', remedy: 'free space' };
      turn.say({ type: 'turn_ended', status: 'failed', text: '', refusal });
    },
  });
  const { messageId } = await fixture.send('alice', 'x');
  const events = await settle(fixture, clock, messageId);
  const told = events.flatMap(({ event }) => (event.type === 'refused' ? [event.refusal.rule] : []));
  assert.deepEqual(told, ['store.full']);
  assert.equal((await fixture.message(messageId)).reply, 'there is room');
  assert.equal(fixture.backend.sandboxes.length, 2);
  assert.equal(looks, 5);
});

test('an agent that says its disk is full, on a disk that is not, has failed', async () => {
  const clock = createManualClock();
  await using fixture = await startFixture({
    clock,
    turn(turn) {
      const refusal = { code: 'disk_full', rule: 'agent.history', message: 'full', remedy: 'free space' };
      turn.say({ type: 'turn_ended', status: 'failed', text: '', refusal });
    },
  });
  const { messageId } = await fixture.send('alice', 'x');
  await settle(fixture, clock, messageId);
  assert.equal((await fixture.message(messageId)).status, 'failed');
});

test('a message that waits for an engine can be cancelled', async () => {
  const clock = createManualClock();
  await using fixture = await startFixture({ clock });
  for (let times = 0; times < 10_000; times += 1) fixture.backend.startErrors.push(away());
  const { messageId } = await fixture.send('alice', 'x');
  await until(() => fixture.backend.startErrors.length < 10_000);
  assert.equal((await fixture.ask('POST', '/api/agents/alice/cancel')).as(Cancelled).cancelled, true);
  await settle(fixture, clock, messageId);
  assert.equal((await fixture.message(messageId)).status, 'cancelled');
});

test('a turn that is no turn ends the agent: not JSON, no event, a line without end', async () => {
  for (const line of [
    'not json',
    '{"type":"nonsense"}',
    '{"type":"text_delta"}',
    'x'.repeat(3 * 1024 * 1024),
  ]) {
    const clock = createManualClock();
    let tries = 0;
    await using fixture = await startFixture({
      clock,
      turn(turn) {
        tries += 1;
        if (tries > 1) return turn.end('honest');
        turn.raw(line);
      },
    });
    const { messageId } = await fixture.send('alice', 'x');
    await settle(fixture, clock, messageId);
    assert.equal((await fixture.message(messageId)).reply, 'honest');
    assert.equal(fixture.backend.sandboxes.length, 2);
  }
});

test('an idle agent is stopped, which is no failure, and woken by the next message', async () => {
  const clock = createManualClock();
  await using fixture = await startFixture({ clock });
  const first = await fixture.send('alice', 'x');
  await settle(fixture, clock, first.messageId);
  const [sandbox] = fixture.backend.sandboxes;
  clock.advance(15 * 60_000 + 1);
  await sandbox?.exited;
  const second = await fixture.send('alice', 'y');
  await settle(fixture, clock, second.messageId);
  const status = (await fixture.status()).agents[0];
  assert.equal(status?.restarts, 0);
  assert.equal(status?.reason, null);
  assert.equal(fixture.backend.sandboxes.length, 2);
});

test('a turn is cancelled by its agent, or by force where it ignores that', async () => {
  const clock = createManualClock();
  await using fixture = await startFixture({
    clock,
    async turn(turn) {
      turn.say({ type: 'turn_started', resumed: false });
      if (turn.text === 'stubborn') return;
      await turn.cancelled;
      turn.end('', { status: 'cancelled' });
    },
  });
  for (const text of ['polite', 'stubborn']) {
    const { messageId } = await fixture.send('alice', text);
    await until(
      async () =>
        (await fixture.message(messageId)).status === 'running' &&
        fixture.backend.sandboxes.at(-1)?.events.filter((event) => event === '/chat/stream').length ===
          (text === 'polite' ? 1 : 2),
    );
    assert.deepEqual((await fixture.ask('POST', '/api/agents/alice/cancel')).as(Cancelled), {
      cancelled: true,
    });
    if (text === 'stubborn') clock.advance(FLEET_LIMITS.cancelGraceMs + 1);
    await settle(fixture, clock, messageId);
    assert.equal((await fixture.message(messageId)).status, 'cancelled');
  }
  assert.deepEqual((await fixture.ask('POST', '/api/agents/alice/cancel')).as(Cancelled), {
    cancelled: false,
  });
});

test('a turn that is cancelled while its container is being replaced is not begun', async () => {
  const clock = createManualClock();
  const turns: string[] = [];
  await using fixture = await startFixture({
    clock,
    turn(turn) {
      turns.push(turn.text);
      turn.end('');
    },
  });
  await settle(fixture, clock, (await fixture.send('alice', 'first')).messageId);
  const [sandbox] = fixture.backend.sandboxes;
  assert.ok(sandbox);
  const [stopping, stopped] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { stop } = sandbox;
  sandbox.stop = async (graceMs) => {
    stopping.resolve();
    await stopped.promise;
    await stop(graceMs);
  };
  clock.advance(15 * 60_000 + 1);
  await stopping.promise;
  const { messageId } = await fixture.send('alice', 'second');
  await until(async () => (await fixture.message(messageId)).status === 'running');
  await fixture.ask('POST', '/api/agents/alice/cancel');
  stopped.resolve();
  await settle(fixture, clock, messageId);
  assert.equal((await fixture.message(messageId)).status, 'cancelled');
  assert.deepEqual(turns, ['first']);
});

test('a message for an agent that came with a configuration of which the keeper knows nothing yet waits for it', async () => {
  const clock = createManualClock();
  const { agents, ...rest } = fixtureConfig();
  const without = { ...rest, agents: new Map([...agents].filter(([name]) => name !== 'dave')) };
  await using fixture = await startFixture({ clock, config: without, readConfig: fixtureConfig });
  fixture.vault.dropKeeper();
  assert.equal((await fixture.ask('POST', '/api/config/reload')).status, 503);
  const { messageId } = await fixture.send('dave', 'x');
  await settle(fixture, clock, messageId);
  assert.equal((await fixture.message(messageId)).reply, 'echo: x');
});

test('a text is steered into the turn that runs and settles with it; without one it is a message like any other', async () => {
  const release = Promise.withResolvers<void>();
  await using fixture = await startFixture({
    async turn(turn) {
      turn.say({ type: 'turn_started', resumed: false });
      if (turn.text === 'long') await release.promise;
      turn.end(`reply to ${turn.text}`);
    },
  });
  const running = await fixture.send('alice', 'long');
  await until(() => fixture.backend.sandboxes[0]?.events.includes('/chat/stream') ?? false);
  const steer = await fixture.ask('POST', '/api/agents/alice/steer', { text: 'also this' });
  assert.equal(steer.status, 202);
  assert.equal(steer.as(Steered).steered, true);
  assert.deepEqual(fixture.backend.sandboxes[0]?.steers, ['also this']);
  release.resolve();
  await fixture.trace(running.messageId);
  assert.equal((await fixture.message(steer.as(Steered).messageId)).reply, 'reply to long');

  const alone = await fixture.ask('POST', '/api/agents/alice/steer', { text: 'alone' });
  assert.equal(alone.as(Steered).steered, false);
  await fixture.trace(alone.as(Steered).messageId);
  assert.equal((await fixture.message(alone.as(Steered).messageId)).reply, 'reply to alone');
});

test('the host’s stop leaves a running turn to be taken up again', async () => {
  const home = mkdtempSync(`${tmpdir()}/openlegion-stop-`);
  let messageId = '';
  {
    await using fixture = await startFixture({ home, turn: () => {} });
    ({ messageId } = await fixture.send('alice', 'x'));
    await until(() => fixture.backend.sandboxes[0]?.events.includes('/chat/stream') ?? false);
  }
  await using again = await startFixture({ home });
  await again.trace(messageId);
  assert.equal((await again.message(messageId)).reply, 'echo: x');
  rmSync(home, { recursive: true, force: true });
});

/** Turns of the event loop until something that was set going is there. */
async function until(there: () => boolean | Promise<boolean>): Promise<void> {
  for (let turns = 0; turns < 20_000; turns += 1) {
    if (await there()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('it did not come');
}

/** Moves the clock on as long as the message is not settled. */
async function settle(
  fixture: Awaited<ReturnType<typeof startFixture>>,
  clock: ReturnType<typeof createManualClock>,
  messageId: string,
): Promise<FleetEvent[]> {
  await until(async () => {
    const { status } = await fixture.message(messageId);
    if (status !== 'queued' && status !== 'running') return true;
    clock.advance(100);
    return false;
  });
  return fixture.trace(messageId);
}
