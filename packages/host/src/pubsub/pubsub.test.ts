import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { agentOf, agentsOf, openParts } from '../blackboard/test/open-parts.ts';
import type { AgentSettings } from '../config/fleet-config.ts';
import type { Routed } from '../router/router.ts';
import { createAgentPubsub, createMayReceive } from './agent-pubsub.ts';
import type { Claimed } from './claim-deliveries.ts';
import { createPubsub } from './pubsub.ts';
import { PUBSUB_LIMITS } from './pubsub-limits.ts';

const AGENTS = () =>
  agentsOf({
    alice: { permissions: { can_publish: ['news', 'circle/*'], can_subscribe: ['news'] } },
    bob: { permissions: { can_subscribe: ['news', 'circle/*'] } },
    carol: { permissions: { can_subscribe: ['news'] } },
    dave: { team: 'ops', permissions: { can_publish: ['**'], can_subscribe: ['**'] } },
  });

function open(options: { limits?: object; deliver?: (delivery: Claimed) => Promise<Routed<unknown>> } = {}) {
  const parts = openParts();
  const config: { agents: Map<string, AgentSettings> } = { agents: AGENTS() };
  const woken: Claimed[] = [];
  const warnings: string[] = [];
  /** Whether the trace of what just ended was still open. */
  const isOpen: boolean[] = [];
  const wake = async (delivery: Claimed): Promise<Routed<unknown>> => {
    woken.push(delivery);
    return options.deliver ? options.deliver(delivery) : { ok: true, value: null };
  };
  const pubsub = createPubsub({
    ...parts,
    limits: { ...PUBSUB_LIMITS, ...options.limits },
    mayReceive: createMayReceive(config),
    hooks: { wake, workflow: wake },
    warn: (message) => warnings.push(message),
    onDelivered: (transaction, traceId) => () => void isOpen.push(pubsub.isOpen(transaction, traceId)),
  });
  let ids = 0;
  const event = (topic: string, more: object = {}) => ({
    ...{
      id: `evt_${++ids}`,
      namespace: 'fleet',
      topic,
      payload: ids,
      publisher: 'alice',
      traceId: 't',
      hops: 0,
    },
    ...more,
  });
  const subscribe = (subscriber: string, mode: 'inbox' | 'wake' | 'workflow' = 'inbox', topic = 'news') =>
    pubsub.subscribe({ namespace: 'fleet', topic, subscriber, mode });
  const take = (subscriber: string) => pubsub.take(subscriber, { limit: 50, leaseMs: 1000 });
  return { ...parts, config, pubsub, woken, warnings, isOpen, event, subscribe, take };
}

const ruleOf = (answer: Routed<unknown>) => (answer.ok ? 'ok' : answer.refusal.rule);

test('an event reaches each who was subscribed when it was published, once each is acknowledged', async () => {
  using parts = open();
  await parts.subscribe('bob');
  await parts.subscribe('carol');
  const published = await parts.pubsub.publish(parts.event('news'));
  assert.ok(published.ok);
  assert.equal(published.value.subscribers, 2);
  await parts.pubsub.subscribe({ namespace: 'fleet', topic: 'news', subscriber: 'alice', mode: 'inbox' });
  const [first] = await parts.take('bob');
  assert.ok(first);
  assert.deepEqual([first.topic, first.payload, first.attempt, first.publisher], ['news', 1, 1, 'alice']);
  assert.deepEqual(await parts.take('bob'), [], 'leased');
  assert.equal(ruleOf(await parts.pubsub.ack({ subscriber: 'bob', ...first })), 'ok');
  assert.equal(ruleOf(await parts.pubsub.ack({ subscriber: 'bob', ...first })), 'pubsub.delivery');
  parts.clock.advance(10_000);
  assert.deepEqual(await parts.take('bob'), []);
  assert.equal((await parts.take('carol')).length, 1);
  assert.deepEqual(await parts.take('alice'), []);
});

test('what is not acknowledged in time is given again, and an old lease settles nothing', async () => {
  using parts = open();
  await parts.subscribe('bob');
  await parts.pubsub.publish(parts.event('news'));
  const [first] = await parts.take('bob');
  parts.clock.advance(1000);
  const [second] = await parts.take('bob');
  assert.ok(first && second);
  assert.equal(second.attempt, 2);
  assert.equal(second.eventId, first.eventId);
  assert.equal(ruleOf(await parts.pubsub.ack({ subscriber: 'bob', ...first })), 'pubsub.lease');
  // Another subscriber's delivery is as if it were not there.
  assert.equal(ruleOf(await parts.pubsub.ack({ subscriber: 'carol', ...second })), 'pubsub.delivery');
  // Over, but given to nobody since: what was done counts.
  parts.clock.advance(5000);
  assert.equal(ruleOf(await parts.pubsub.ack({ subscriber: 'bob', ...second })), 'ok');
});

test('after its attempts an event is a dead letter with the reason; a person replays or discards it', async () => {
  using parts = open();
  await parts.subscribe('bob');
  await parts.pubsub.publish(parts.event('news'));
  for (let attempt = 1; attempt <= PUBSUB_LIMITS.attempts; attempt += 1) {
    const [delivery] = await parts.take('bob');
    assert.equal(delivery?.attempt, attempt);
    assert.ok(delivery);
    await parts.pubsub.nack({ subscriber: 'bob', ...delivery });
  }
  assert.deepEqual(await parts.take('bob'), []);
  const [letter] = parts.pubsub.deadLetters(0, 10).letters;
  assert.ok(letter);
  assert.deepEqual(
    [letter.subscriber, letter.rule, letter.attempts, letter.payload],
    ['bob', 'pubsub.attempts', 5, 1],
  );
  assert.equal(
    ruleOf(await parts.pubsub.settleDeadLetter(letter.deliveryId, 'replay', 'operator:ana')),
    'ok',
  );
  const [again] = await parts.take('bob');
  assert.equal(again?.attempt, 1);
  assert.equal(
    ruleOf(await parts.pubsub.settleDeadLetter(letter.deliveryId, 'discard', 'o')),
    'pubsub.delivery',
  );
  assert.deepEqual(parts.audited(), ['pubsub.dead_letter', 'pubsub.dead_letter_replayed']);
});

test('the host delivers wakes and workflow starts itself, tries again later, and in the end makes a dead letter', async () => {
  let failures = 2;
  using parts = open({
    async deliver() {
      failures -= 1;
      if (failures === 1) throw new Error('no');
      if (failures >= 0)
        return { ok: false, refusal: { code: 'unavailable', rule: 'r', message: 'not now', remedy: '' } };
      return { ok: true, value: null };
    },
  });
  await parts.subscribe('bob', 'wake');
  await parts.subscribe('workflow:intake', 'workflow');
  await parts.pubsub.publish(parts.event('news'));
  const settled = async () => {
    await parts.pubsub.stop();
  };
  await settled();
  assert.equal(parts.woken.length, 2);
  assert.deepEqual(
    parts.woken.map(({ mode, attempt }) => [mode, attempt]),
    [
      ['wake', 1],
      ['workflow', 1],
    ],
  );
  // A host that starts later delivers what the former could not, under the same number.
  parts.clock.advance(PUBSUB_LIMITS.retryMs);
  const later: Claimed[] = [];
  const hook = async (delivery: Claimed): Promise<Routed<unknown>> => {
    later.push(delivery);
    return { ok: true, value: null };
  };
  const next = createPubsub({
    ...parts,
    mayReceive: () => null,
    hooks: { wake: hook, workflow: hook },
    warn: () => {},
  });
  await next.start();
  await next.stop();
  assert.deepEqual(
    later.map(({ deliveryId, attempt }) => [deliveryId, attempt]),
    parts.woken.map(({ deliveryId }) => [deliveryId, 2]),
  );
});

test('a host that ends again and again in the middle of a delivery uses up none of its attempts', async () => {
  using parts = open();
  await parts.pubsub.stop();
  await parts.subscribe('bob', 'wake');
  await parts.pubsub.publish(parts.event('news'));
  const attempts: number[] = [];
  for (let life = 0; life < 8; life += 1) {
    const begun = Promise.withResolvers<void>();
    // Never answers: this host is gone before it can store anything.
    const wake = (delivery: Claimed) => {
      attempts.push(delivery.attempt);
      begun.resolve();
      return new Promise<never>(() => {});
    };
    await createPubsub({
      ...parts,
      mayReceive: () => null,
      hooks: { wake, workflow: wake },
      warn: () => {},
    }).start();
    await begun.promise;
  }
  assert.deepEqual(attempts, Array(8).fill(1));
});

test('a hook that always fails ends as a dead letter that says why', async () => {
  using parts = open({
    deliver: async () => ({
      ok: false,
      refusal: { code: 'not_found', rule: 'r', message: 'there is no such workflow', remedy: '' },
    }),
  });
  await parts.subscribe('workflow:gone', 'workflow');
  await parts.pubsub.publish(parts.event('news'));
  for (let round = 0; round < 12 && parts.pubsub.deadLetters(0, 1).letters.length === 0; round += 1) {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    parts.clock.advance(PUBSUB_LIMITS.retryMs * 16);
  }
  assert.equal(parts.woken.length, PUBSUB_LIMITS.attempts);
  assert.match(parts.pubsub.deadLetters(0, 1).letters[0]?.reason ?? '', /there is no such workflow/);
});

test('a grant that is withdrawn, or a change of team, holds for what waits already', async () => {
  using parts = open();
  await parts.subscribe('bob');
  await parts.subscribe('carol');
  await parts.pubsub.publish(parts.event('news'));
  const bob = agentOf(parts.config.agents, 'bob');
  parts.config.agents.set('bob', { ...bob, permissions: { ...bob.permissions, can_subscribe: [] } });
  parts.config.agents.set('carol', { ...agentOf(parts.config.agents, 'carol'), team: 'ops' });
  assert.deepEqual(await parts.take('bob'), []);
  assert.deepEqual(await parts.take('carol'), []);
  assert.deepEqual(
    parts.pubsub.deadLetters(0, 10).letters.map(({ rule }) => rule),
    ['permissions.bob.can_subscribe', 'agents'],
  );
});

test('the same key is the same event; another payload under it is a conflict; the key is forgotten in time', async () => {
  using parts = open();
  await parts.subscribe('bob');
  const first = await parts.pubsub.publish(parts.event('news', { payload: 1, idempotencyKey: 'k' }));
  const second = await parts.pubsub.publish(parts.event('news', { payload: 1, idempotencyKey: 'k' }));
  assert.ok(first.ok && second.ok);
  assert.equal(second.value.eventId, first.value.eventId);
  assert.equal(
    ruleOf(await parts.pubsub.publish(parts.event('news', { payload: 2, idempotencyKey: 'k' }))),
    'pubsub.idempotency_key',
  );
  const [delivery, none] = await parts.take('bob');
  assert.ok(delivery && !none);
  await parts.pubsub.ack({ subscriber: 'bob', ...delivery });
  assert.equal(parts.database.get('SELECT payload FROM topic_event')?.payload, '');
  parts.clock.advance(PUBSUB_LIMITS.keepEventsMs);
  await parts.pubsub.collect();
  assert.deepEqual(parts.database.all('SELECT * FROM topic_event'), []);
});

test('floods are bounded: payload, subscriptions, events on their way, backlog and dead letters', async () => {
  using parts = open({
    limits: {
      backlog: 3,
      deadLetters: 2,
      openOfPublisher: 6,
      payloadBytes: 100,
      subscriptionsOfOne: 2,
      subscriptionsOfTopic: 2,
    },
  });
  assert.equal(
    ruleOf(await parts.pubsub.publish(parts.event('news', { payload: 'x'.repeat(99) }))),
    'pubsub.payload_bytes',
  );
  for (const topic of ['', 'a//b', '../a', 'a*', '\u202ea', 'a'.repeat(4096)])
    assert.equal(ruleOf(await parts.pubsub.publish(parts.event(topic))), 'pubsub.topic');
  await parts.subscribe('bob');
  await parts.subscribe('carol');
  assert.equal(ruleOf(await parts.subscribe('alice')), 'pubsub.subscriptions');
  await parts.subscribe('bob', 'inbox', 'two');
  assert.equal(ruleOf(await parts.subscribe('bob', 'inbox', 'three')), 'pubsub.subscriptions');
  await parts.pubsub.unsubscribe({ namespace: 'fleet', topic: 'news', subscriber: 'carol' });
  for (let n = 0; n < 6; n += 1) assert.ok((await parts.pubsub.publish(parts.event('news'))).ok);
  // Three wait for bob, the others were dead letters at once, of which the oldest gave way.
  assert.equal((await parts.take('bob')).length, 3);
  const { letters } = parts.pubsub.deadLetters(0, 10);
  assert.deepEqual(
    letters.map(({ rule, payload }) => [rule, Number(payload) > 0]),
    [
      ['pubsub.backlog', true],
      ['pubsub.backlog', true],
    ],
  );
  assert.equal(parts.audited().filter((type) => type === 'pubsub.dead_letter_dropped').length, 1);
  await parts.subscribe('carol', 'inbox', 'two');
  for (let n = 0; n < 3; n += 1) assert.ok((await parts.pubsub.publish(parts.event('two'))).ok);
  assert.equal(ruleOf(await parts.pubsub.publish(parts.event('news'))), 'pubsub.open_events');
  assert.ok(
    (await parts.pubsub.publish(parts.event('news', { publisher: 'dave' }))).ok,
    'others are not touched',
  );
});

test('circles of events stop at the hop limit, with a record; outside of a turn nothing is published', async () => {
  using parts = open();
  const agents = createAgentPubsub({ ...parts, newId: () => `evt_${Math.random()}` });
  const alice = agentOf(parts.config.agents, 'alice');
  const turn = (hops: number) => ({ messageId: 'm', traceId: 't', hops });
  for (let hops = 0; hops < PUBSUB_LIMITS.hops; hops += 1)
    assert.ok((await agents.publish(alice, { topic: 'circle/a', payload: hops }, turn(hops))).ok);
  const last = await agents.publish(alice, { topic: 'circle/a', payload: 9 }, turn(PUBSUB_LIMITS.hops));
  assert.equal(ruleOf(last), 'pubsub.hop_limit');
  assert.equal(
    ruleOf(await agents.publish(alice, { topic: 'circle/a', payload: 9 }, null)),
    'pubsub.no_turn',
  );
  assert.deepEqual(parts.audited(), ['permission.denied']);
});

test('topics are granted one by one, and those of another team are other topics', async () => {
  using parts = open();
  const agents = createAgentPubsub({ ...parts, newId: () => `evt_${Math.random()}` });
  const [alice, bob, dave] = ['alice', 'bob', 'dave'].map((name) => agentOf(parts.config.agents, name));
  assert.ok(alice && bob && dave);
  const turn = { messageId: 'm', traceId: 't', hops: 0 };
  assert.equal(
    ruleOf(await agents.publish(bob, { topic: 'news', payload: 1 }, turn)),
    'permissions.bob.can_publish',
  );
  assert.equal(
    ruleOf(await agents.subscribe(alice, { topic: 'circle/a', mode: 'inbox' })),
    'permissions.alice.can_subscribe',
  );
  assert.equal(ruleOf(await agents.subscribe(alice, { topic: 'news', mode: 'inbox' })), 'ok');
  assert.equal(ruleOf(await agents.subscribe(dave, { topic: 'news', mode: 'inbox' })), 'ok');
  await agents.publish(alice, { topic: 'news', payload: 'fleet' }, turn);
  await agents.publish(dave, { topic: 'news', payload: 'ops' }, turn);
  const taken = async (agent: typeof alice) =>
    (await agents.take(agent, { limit: 10, leaseMs: 1000 })).deliveries.map(({ payload }) => payload);
  assert.deepEqual(await taken(alice), ['fleet']);
  assert.deepEqual(await taken(dave), ['ops']);
  assert.equal(parts.audited().length, 2);
});

test('property: whatever is taken, given back, left or acknowledged, no event is lost before it is acknowledged', async () => {
  const step = fc.oneof(
    fc.constant('publish' as const),
    fc.constant('take' as const),
    fc.constant('wait' as const),
    fc.constant('collect' as const),
    fc.constant('ack' as const),
    fc.constant('nack' as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      using parts = open();
      await parts.subscribe('bob');
      const open_ = new Set<string>();
      let held: { eventId: string; deliveryId: number; lease: string }[] = [];
      for (const one of steps) {
        if (one === 'publish') {
          const published = await parts.pubsub.publish(parts.event('news'));
          assert.ok(published.ok);
          open_.add(published.value.eventId);
        } else if (one === 'take') held = [...(await parts.take('bob')), ...held];
        else if (one === 'wait') parts.clock.advance(700);
        else if (one === 'collect') await parts.pubsub.collect();
        else {
          const first = held.shift();
          if (!first) continue;
          const settled = { subscriber: 'bob', deliveryId: first.deliveryId, lease: first.lease };
          const done = one === 'ack' ? await parts.pubsub.ack(settled) : await parts.pubsub.nack(settled);
          if (done.ok && one === 'ack') assert.ok(open_.delete(first.eventId), 'acknowledged once');
        }
      }
      const left = new Set(parts.pubsub.deadLetters(0, 100).letters.map(({ eventId }) => eventId));
      for (let round = 0; round <= PUBSUB_LIMITS.attempts; round += 1) {
        parts.clock.advance(1000);
        for (const { eventId } of await parts.take('bob')) left.add(eventId);
      }
      assert.deepEqual([...left].sort(), [...open_].sort());
    }),
    { numRuns: Number(process.env.OPENLEGION_RUNS ?? 20) },
  );
});

test('a trace is not left open by a subscriber that leaves, or takes for itself, while its delivery is tried again', async () => {
  for (const leave of ['unsubscribe', 'inbox'] as const) {
    const full = { code: 'rate_limited', rule: 'lanes.depth', message: 'm', remedy: 'r' } as const;
    using parts = open({ deliver: async () => ({ ok: false, refusal: full }) });
    await parts.subscribe('bob', 'wake');
    await parts.pubsub.publish(parts.event('news'));
    for (let turns = 0; turns < 1000 && parts.isOpen.length === 0; turns += 1)
      await new Promise(setImmediate);
    if (leave === 'inbox') await parts.subscribe('bob', 'inbox');
    else await parts.pubsub.unsubscribe({ namespace: 'fleet', topic: 'news', subscriber: 'bob' });
    assert.deepEqual(parts.isOpen, [true, false], leave);
    await parts.pubsub.stop();
  }
});
