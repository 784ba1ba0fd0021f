import type { Transaction } from '../store/database.ts';
import { integerOf, type Row } from '../store/row.ts';
import type { PubsubContext } from './pubsub-limits.ts';

/**
 * Makes a delivery a dead letter, with why. Of a subscription's dead letters the oldest give way beyond the limit.
 * Both are recorded in the audit log.
 */
export function buryDelivery(
  transaction: Transaction,
  { limits, audit }: PubsubContext,
  id: number,
  { rule, reason }: { rule: string; reason: string },
): void {
  const row = transaction.get(
    `UPDATE topic_delivery SET state = 'dead', lease = '', rule = ?, reason = ? WHERE id = ? AND state = 'live'
     RETURNING event_seq, subscription_id`,
    ...[rule, reason.slice(0, 500), id],
  );
  if (!row) return;
  const { event_seq: seq, subscription_id: subscription } = row;
  transaction.run('UPDATE topic_event SET live = live - 1, dead = dead + 1 WHERE seq = ?', seq ?? 0);
  const beyond = transaction.get(
    `SELECT id FROM topic_delivery WHERE subscription_id = ? AND state = 'dead' ORDER BY id DESC LIMIT 1 OFFSET ?`,
    ...[subscription ?? 0, limits.deadLetters],
  );
  const about = { actor: 'host', subject: `subscription ${subscription}` };
  audit.append(transaction, { ...about, type: 'pubsub.dead_letter', rule, detail: { delivery: id } });
  if (!beyond) return;
  const dropped = integerOf(beyond, 'id');
  endDelivery(transaction, dropped);
  const drop = { type: 'pubsub.dead_letter_dropped', rule: 'pubsub.dead_letters' };
  audit.append(transaction, { ...about, ...drop, detail: { delivery: dropped } });
}

/** Takes a delivery away: acknowledged, discarded, or of a subscription that ended. Returns it, if there was one. */
export function endDelivery(transaction: Transaction, id: number): Row | undefined {
  const row = transaction.get('DELETE FROM topic_delivery WHERE id = ? RETURNING event_seq, state', id);
  if (!row) return undefined;
  const count = row.state === 'dead' ? 'dead' : 'live';
  transaction.run(
    `UPDATE topic_event SET ${count} = ${count} - 1,
     payload = CASE WHEN live + dead > 1 THEN payload ELSE '' END WHERE seq = ?`,
    row.event_seq ?? 0,
  );
  return row;
}
