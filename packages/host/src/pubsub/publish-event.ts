import { createHash } from 'node:crypto';
import type { JsonValue } from '@openlegion/contract/json-value';
import type { Published } from '@openlegion/contract/pubsub';
import { normalKey } from '../router/normal-key.ts';
import type { Routed } from '../router/router.ts';
import type { Transaction } from '../store/database.ts';
import { integerOf, type Row, textOf } from '../store/row.ts';
import { buryDelivery } from './bury-delivery.ts';
import type { PubsubContext } from './pubsub-limits.ts';
import { pubsubRefusals } from './refusals.ts';

export interface NewTopicEvent {
  id: string;
  namespace: string;
  topic: string;
  payload: JsonValue;
  /** An agent's name, `operator:…`, `workflow:…`. */
  publisher: string;
  traceId: string;
  /** Events and hand-offs since a person, a schedule or a workflow began; 0 for the first. */
  hops: number;
  idempotencyKey?: string | undefined;
}

/**
 * Stores an event with a delivery for each subscription of its topic, in the caller's transaction: from its commit
 * on it is delivered at least once. A repeated key gives the first answer again.
 */
export function publishEvent(
  transaction: Transaction,
  context: PubsubContext,
  event: NewTopicEvent,
): Routed<Published & { created: boolean }> {
  const { limits, now } = context;
  const { namespace, publisher, idempotencyKey = null, hops } = event;
  const topic = normalKey(event.topic);
  if (topic === null) return { ok: false, refusal: pubsubRefusals.topic(event.topic) };
  if (hops > limits.hops) return { ok: false, refusal: pubsubRefusals.hops(topic, limits.hops) };
  const payload = JSON.stringify(event.payload);
  if (Buffer.byteLength(payload) > limits.payloadBytes)
    return { ok: false, refusal: pubsubRefusals.payload(limits.payloadBytes) };
  const digest = createHash('sha256')
    .update(JSON.stringify([namespace, topic, payload]))
    .digest('base64');
  const earlier =
    idempotencyKey === null
      ? undefined
      : transaction.get(
          'SELECT id, digest, live FROM topic_event WHERE publisher = ? AND idempotency_key = ?',
          ...[publisher, idempotencyKey],
        );
  if (earlier) return repeatOf(earlier, digest);
  const open = transaction.get(
    'SELECT COUNT(*) AS n FROM topic_event WHERE publisher = ? AND live > 0',
    publisher,
  );
  if (integerOf(open ?? {}, 'n') >= limits.openOfPublisher)
    return { ok: false, refusal: pubsubRefusals.publisherFull(publisher, limits.openOfPublisher) };

  const subscriptions = transaction.all(
    'SELECT id, mode FROM topic_subscription WHERE namespace = ? AND topic = ? ORDER BY id',
    ...[namespace, topic],
  );
  const live = subscriptions.length;
  const inserted = transaction.get(
    `INSERT INTO topic_event (id, namespace, topic, payload, digest, publisher, trace_id, hops, at, idempotency_key,
     live, dead) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) RETURNING seq`,
    ...[event.id, namespace, topic, live === 0 ? '' : payload, digest, publisher, event.traceId, hops, now],
    ...[idempotencyKey, live],
  );
  const seq = integerOf(inserted ?? {}, 'seq');
  for (const subscription of subscriptions) addDelivery(transaction, context, seq, subscription);
  return { ok: true, value: { eventId: event.id, subscribers: live, created: true } };
}

function addDelivery(transaction: Transaction, context: PubsubContext, seq: number, { id, mode }: Row): void {
  const { limits, now } = context;
  const full = transaction.get(
    `SELECT 1 FROM topic_delivery WHERE subscription_id = ? AND state = 'live' LIMIT 1 OFFSET ?`,
    ...[id ?? 0, limits.backlog - 1],
  );
  const inserted = transaction.get(
    `INSERT INTO topic_delivery (event_seq, subscription_id, push, state, attempt, at, visible_at, lease, rule, reason)
     VALUES (?, ?, ?, 'live', 0, ?, ?, '', '', '') RETURNING id`,
    ...[seq, id ?? 0, mode === 'inbox' ? 0 : 1, now, now],
  );
  if (full)
    buryDelivery(transaction, context, integerOf(inserted ?? {}, 'id'), {
      rule: 'pubsub.backlog',
      reason: `${limits.backlog} events were waiting for the subscriber already.`,
    });
}

function repeatOf(earlier: Row, digest: string): Routed<Published & { created: boolean }> {
  if (textOf(earlier, 'digest') !== digest) return { ok: false, refusal: pubsubRefusals.keyUsed() };
  const value = { eventId: textOf(earlier, 'id'), subscribers: integerOf(earlier, 'live'), created: false };
  return { ok: true, value };
}
