import { randomUUID } from 'node:crypto';
import { JsonValue } from '@openlegion/contract/json-value';
import type { TopicDelivery, TopicEvent } from '@openlegion/contract/pubsub';
import type { Routed } from '../router/router.ts';
import type { Transaction } from '../store/database.ts';
import { integerOf, type Row, textOf } from '../store/row.ts';
import { buryDelivery, endDelivery } from './bury-delivery.ts';
import type { PubsubContext } from './pubsub-limits.ts';
import { pubsubRefusals } from './refusals.ts';

/** A delivery that the host gives out, with whom it is for. */
export interface Claimed extends TopicDelivery {
  namespace: string;
  subscriber: string;
  mode: string;
}

/** Why a subscriber may not have an event now; null when it may. */
export type MayReceive = (
  subscriber: string,
  namespace: string,
  topic: string,
) => { rule: string; reason: string } | null;

export interface Claim {
  /** Only of this subscriber's inbox; what the host delivers itself where absent. */
  subscriber?: string;
  limit: number;
  leaseMs: number;
  mayReceive: MayReceive;
  /** Told of the trace of what became a dead letter instead. */
  onBuried?: (transaction: Transaction, traceId: string) => void;
}

const SELECT = `SELECT d.id, d.attempt, e.id AS event_id, e.topic, e.payload, e.publisher, e.trace_id, e.hops, e.at,
  s.namespace, s.subscriber, s.mode FROM topic_delivery d JOIN topic_event e ON e.seq = d.event_seq
  JOIN topic_subscription s ON s.id = d.subscription_id`;

/**
 * Leases what is due, oldest first: nobody else is given it until the lease is over, and then again, up to
 * `attempts` times. What may not be received any more, or was tried too often, becomes a dead letter here.
 */
export function claimDeliveries(
  transaction: Transaction,
  context: PubsubContext,
  { subscriber, limit, leaseMs, mayReceive, onBuried }: Claim,
): Claimed[] {
  const { limits, now } = context;
  const due =
    subscriber === undefined
      ? transaction.all(
          `${SELECT} WHERE d.state = 'live' AND d.push = 1 AND d.visible_at <= ? ORDER BY d.visible_at, d.id LIMIT ?`,
          ...[now, limit],
        )
      : transaction.all(
          `${SELECT} WHERE s.subscriber = ? AND d.state = 'live' AND d.push = 0 AND d.visible_at <= ?
           ORDER BY d.id LIMIT ?`,
          ...[subscriber, now, limit],
        );
  return due.flatMap((row) => {
    const id = integerOf(row, 'id');
    const attempt = integerOf(row, 'attempt') + 1;
    const denied = mayReceive(textOf(row, 'subscriber'), textOf(row, 'namespace'), textOf(row, 'topic'));
    if (denied || attempt > limits.attempts) {
      buryDelivery(transaction, context, id, denied ?? tooOften(limits.attempts));
      onBuried?.(transaction, textOf(row, 'trace_id'));
      return [];
    }
    const lease = randomUUID();
    transaction.run(
      'UPDATE topic_delivery SET attempt = ?, lease = ?, visible_at = ? WHERE id = ?',
      ...[attempt, lease, now + leaseMs, id],
    );
    const { namespace, subscriber: name, mode } = row;
    const to = { namespace: String(namespace), subscriber: String(name), mode: String(mode) };
    return [{ ...to, ...topicEventOf(row), deliveryId: id, lease, attempt }];
  });
}

/**
 * Acknowledges (`retryMs` null) or gives back a delivery. The lease must be the newest; it may be over as long as
 * nobody was given the event since. What belongs to another subscriber is as if it were not there.
 */
export function settleDelivery(
  transaction: Transaction,
  context: PubsubContext,
  settled: { subscriber: string; deliveryId: number; lease: string; retryMs: number | null; reason: string },
): Routed<null> {
  const { limits, now } = context;
  const row = transaction.get(
    `SELECT d.lease, d.attempt FROM topic_delivery d JOIN topic_subscription s ON s.id = d.subscription_id
     WHERE d.id = ? AND s.subscriber = ? AND d.state = 'live'`,
    ...[settled.deliveryId, settled.subscriber],
  );
  if (!row) return { ok: false, refusal: pubsubRefusals.noDelivery() };
  if (row.lease !== settled.lease) return { ok: false, refusal: pubsubRefusals.leaseOver() };
  if (settled.retryMs === null) endDelivery(transaction, settled.deliveryId);
  else if (integerOf(row, 'attempt') >= limits.attempts)
    buryDelivery(transaction, context, settled.deliveryId, tooOften(limits.attempts, settled.reason));
  else
    transaction.run(
      "UPDATE topic_delivery SET lease = '', visible_at = ? WHERE id = ?",
      ...[now + settled.retryMs, settled.deliveryId],
    );
  return { ok: true, value: null };
}

export function topicEventOf(row: Row): TopicEvent {
  return {
    eventId: textOf(row, 'event_id'),
    topic: textOf(row, 'topic'),
    payload: JsonValue.parse(JSON.parse(textOf(row, 'payload'))),
    publisher: textOf(row, 'publisher'),
    traceId: textOf(row, 'trace_id'),
    hops: integerOf(row, 'hops'),
    at: new Date(integerOf(row, 'at')).toISOString(),
  };
}

function tooOften(attempts: number, reason = 'it was not acknowledged'): { rule: string; reason: string } {
  return { rule: 'pubsub.attempts', reason: `Given ${attempts} times; the last time: ${reason}` };
}
