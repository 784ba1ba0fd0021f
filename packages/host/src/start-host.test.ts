import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from './manual-clock.ts';
import { startFixture } from './test/host-fixture.ts';

test('a message reaches the agent, and its answer comes back whole and streamed', async () => {
  await using fixture = await startFixture({
    turn(turn) {
      turn.say({ type: 'turn_started', resumed: false });
      turn.say({ type: 'text_delta', text: 'he' });
      turn.say({ type: 'text_delta', text: 'llo' });
      turn.end('hello');
    },
  });
  const { messageId, ahead } = await fixture.send('alice', 'hi');
  assert.equal(ahead, 0);
  const events = await fixture.trace(messageId);
  const types = events.map(({ event }) => (event.type === 'turn' ? event.turn.type : event.type));
  assert.deepEqual(types, [
    'message_accepted',
    'agent_starting',
    'agent_ready',
    'turn_started',
    'text_delta',
    'text_delta',
    'turn_ended',
    'message_settled',
    'trace_settled',
  ]);
  const view = await fixture.message(messageId);
  assert.equal(view.status, 'done');
  assert.equal(view.reply, 'hello');
  const [sandbox] = fixture.backend.sandboxes;
  assert.deepEqual(sandbox?.events.slice(0, 4), ['/status', 'clamp', '/start', '/chat/stream']);
});

test('a host that has stopped leaves no timer and says nothing more, however soon it is stopped', async () => {
  for (const text of [null, 'hi']) {
    const clock = createManualClock();
    const fixture = await startFixture({ clock });
    if (text !== null) await fixture.trace((await fixture.send('alice', text)).messageId);
    await fixture[Symbol.asyncDispose]();
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
    assert.deepEqual([clock.waiting(), fixture.logs], [0, []]);
  }
});
