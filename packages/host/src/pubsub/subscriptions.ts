import { normalKey } from '../router/normal-key.ts';
import type { Routed } from '../router/router.ts';
import type { Reader, Transaction } from '../store/database.ts';
import { integerOf, textOf } from '../store/row.ts';
import { endDelivery } from './bury-delivery.ts';
import type { PubsubContext } from './pubsub-limits.ts';
import { pubsubRefusals } from './refusals.ts';

/** `wake` and `workflow` are delivered by the host itself, through `TopicHooks`; from `inbox` the subscriber takes. */
export type SubscriptionMode = 'wake' | 'inbox' | 'workflow';

export interface Subscription {
  namespace: string;
  topic: string;
  /** An agent's name, or `workflow:` and a workflow's. */
  subscriber: string;
  mode: SubscriptionMode;
}

/** From now on every event of exactly this topic is for the subscriber too. Repeating it changes the mode alone. */
export function subscribeTo(
  transaction: Transaction,
  { limits, now }: PubsubContext,
  { namespace, topic: wanted, subscriber, mode }: Subscription,
): Routed<{ subscriptionId: number }> {
  const topic = normalKey(wanted);
  if (topic === null) return { ok: false, refusal: pubsubRefusals.topic(wanted) };
  const known = find(transaction, namespace, topic, subscriber);
  if (known !== null) {
    transaction.run('UPDATE topic_subscription SET mode = ? WHERE id = ?', mode, known);
    const push = mode === 'inbox' ? 0 : 1;
    transaction.run(
      "UPDATE topic_delivery SET push = ? WHERE subscription_id = ? AND state = 'live'",
      ...[push, known],
    );
    return { ok: true, value: { subscriptionId: known } };
  }
  const counts = transaction.get(
    `SELECT (SELECT COUNT(*) FROM topic_subscription WHERE subscriber = ?) AS own,
     (SELECT COUNT(*) FROM topic_subscription WHERE namespace = ? AND topic = ?) AS others`,
    ...[subscriber, namespace, topic],
  );
  for (const [column, most] of [
    ['own', limits.subscriptionsOfOne],
    ['others', limits.subscriptionsOfTopic],
  ] as const) {
    if (integerOf(counts ?? {}, column) >= most)
      return { ok: false, refusal: pubsubRefusals.subscriptions(most) };
  }
  transaction.run(
    'INSERT INTO topic_subscription (namespace, topic, subscriber, mode, created_at) VALUES (?, ?, ?, ?, ?)',
    ...[namespace, topic, subscriber, mode, now],
  );
  return { ok: true, value: { subscriptionId: find(transaction, namespace, topic, subscriber) ?? 0 } };
}

/** What had not been delivered to it is given up with the subscription, dead letters too. */
export function unsubscribeFrom(
  transaction: Transaction,
  { namespace, topic, subscriber }: Omit<Subscription, 'mode'>,
): Routed<null> {
  const id = find(transaction, namespace, normalKey(topic) ?? '', subscriber);
  if (id === null) return { ok: false, refusal: pubsubRefusals.notSubscribed() };
  const rest = transaction.all('SELECT id FROM topic_delivery WHERE subscription_id = ?', id);
  for (const row of rest) endDelivery(transaction, integerOf(row, 'id'));
  transaction.run('DELETE FROM topic_subscription WHERE id = ?', id);
  return { ok: true, value: null };
}

/** Traces of what the host itself has still to deliver to it. */
export function pushedTraces(
  reader: Reader,
  { namespace, topic, subscriber }: Omit<Subscription, 'mode'>,
): string[] {
  return reader
    .all(
      `SELECT DISTINCT e.trace_id FROM topic_delivery d JOIN topic_event e ON e.seq = d.event_seq
       WHERE d.subscription_id = ? AND d.state = 'live' AND d.push = 1`,
      find(reader, namespace, normalKey(topic) ?? '', subscriber) ?? 0,
    )
    .map((row) => textOf(row, 'trace_id'));
}

/** With how many events wait for each, and how many are dead letters. */
export function listSubscriptions(
  reader: Reader,
  namespace: string | null,
): (Subscription & { waiting: number; dead: number })[] {
  const count = (state: string) =>
    `(SELECT COUNT(*) FROM topic_delivery d WHERE d.subscription_id = s.id AND d.state = '${state}')`;
  return reader
    .all(
      `SELECT s.*, ${count('live')} AS waiting, ${count('dead')} AS dead FROM topic_subscription s
       WHERE namespace = ? OR ? IS NULL ORDER BY namespace, topic, subscriber`,
      ...[namespace, namespace],
    )
    .map((row) => ({
      namespace: textOf(row, 'namespace'),
      topic: textOf(row, 'topic'),
      subscriber: textOf(row, 'subscriber'),
      mode: modeOf(textOf(row, 'mode')),
      waiting: integerOf(row, 'waiting'),
      dead: integerOf(row, 'dead'),
    }));
}

export function modeOf(text: string): SubscriptionMode {
  return text === 'wake' || text === 'workflow' ? text : 'inbox';
}

function find(reader: Reader, namespace: string, topic: string, subscriber: string): number | null {
  const row = reader.get(
    'SELECT id FROM topic_subscription WHERE namespace = ? AND topic = ? AND subscriber = ?',
    ...[namespace, topic, subscriber],
  );
  return row ? integerOf(row, 'id') : null;
}
