import type { DeadLetters } from '@openlegion/contract/pubsub';
import type { Reader, Transaction } from '../store/database.ts';
import { integerOf, textOf } from '../store/row.ts';
import { buryDelivery, endDelivery } from './bury-delivery.ts';
import { topicEventOf } from './claim-deliveries.ts';
import type { PubsubContext } from './pubsub-limits.ts';

/** Oldest first. */
export function listDeadLetters(reader: Reader, after: number, limit: number): DeadLetters {
  const letters = reader
    .all(
      `SELECT d.id, d.attempt, d.rule, d.reason, e.id AS event_id, e.topic, e.payload, e.publisher, e.trace_id,
       e.hops, e.at, s.namespace, s.subscriber FROM topic_delivery d JOIN topic_event e ON e.seq = d.event_seq
       JOIN topic_subscription s ON s.id = d.subscription_id WHERE d.state = 'dead' AND d.id > ? ORDER BY d.id LIMIT ?`,
      ...[after, limit],
    )
    .map((row) => ({
      ...topicEventOf(row),
      deliveryId: integerOf(row, 'id'),
      namespace: textOf(row, 'namespace'),
      subscriber: textOf(row, 'subscriber'),
      attempts: integerOf(row, 'attempt'),
      rule: textOf(row, 'rule'),
      reason: textOf(row, 'reason'),
    }));
  return { letters, next: letters.length < limit ? null : (letters.at(-1)?.deliveryId ?? null) };
}

/** Gives a dead letter out again, with all its attempts before it. False where there is none of that number. */
export function replayDeadLetter(transaction: Transaction, id: number, now: number): boolean {
  const row = transaction.get(
    `UPDATE topic_delivery SET state = 'live', attempt = 0, at = ?, visible_at = ?, rule = '', reason = ''
     WHERE id = ? AND state = 'dead' RETURNING event_seq`,
    ...[now, now, id],
  );
  if (!row) return false;
  transaction.run(
    'UPDATE topic_event SET live = live + 1, dead = dead - 1 WHERE seq = ?',
    row.event_seq ?? 0,
  );
  return true;
}

/**
 * Buries what nobody took for too long, and forgets what is over: at most `collectRows` of each kind. Returns how
 * many rows it changed.
 */
export function forgetOldEvents(transaction: Transaction, context: PubsubContext): number {
  const { limits, now, audit } = context;
  const olderThan = (state: string, ms: number) =>
    transaction
      .all(
        'SELECT id FROM topic_delivery WHERE state = ? AND at <= ? LIMIT ?',
        ...[state, now - ms, limits.collectRows],
      )
      .map((row) => integerOf(row, 'id'));
  const forgotten = olderThan('dead', limits.keepDeadLettersMs);
  for (const id of forgotten) endDelivery(transaction, id);
  if (forgotten.length > 0)
    audit.append(transaction, {
      type: 'pubsub.dead_letter_dropped',
      actor: 'host',
      subject: 'pubsub',
      rule: 'pubsub.dead_letter_age',
      detail: { dropped: forgotten.length },
    });
  const untaken = olderThan('live', limits.waitMs);
  for (const id of untaken)
    buryDelivery(transaction, context, id, { rule: 'pubsub.age', reason: 'Nobody took it for a week.' });
  const events = transaction.run(
    `DELETE FROM topic_event WHERE seq IN
     (SELECT seq FROM topic_event WHERE live = 0 AND dead = 0 AND at <= ? LIMIT ?)`,
    ...[now - limits.keepEventsMs, limits.collectRows],
  );
  return forgotten.length + untaken.length + events;
}
