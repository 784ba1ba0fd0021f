import type { Transaction } from '../store/database.ts';
import { type Delivery, MOST_ATTEMPTS, MOST_HOST_ENDS } from './delivery.ts';
import { type Message, messageOf } from './message.ts';

/** Texts that share one turn in collect mode. */
const COLLECT_MESSAGES = 20;
const COLLECT_CHARACTERS = 256 * 1024;

/** `exhausted`: it was given `MOST_ATTEMPTS` times and never answered; the caller settles it as failed. */
export type Taken = { next: 'delivery'; delivery: Delivery } | { next: 'exhausted'; message: Message } | null;

/** The first of the lane, marked as running; null when the lane is empty or a message of it runs. */
export function takeMessage(transaction: Transaction, agent: string, at: string): Taken {
  const row = transaction.get(
    `SELECT * FROM message WHERE agent = ? AND status IN ('queued', 'running') AND merged_into IS NULL
     ORDER BY ordinal LIMIT 1`,
    agent,
  );
  if (!row) return null;
  const message = messageOf(row);
  if (message.status === 'running') return null;
  if (message.attempt >= MOST_ATTEMPTS || message.hostEnds >= MOST_HOST_ENDS)
    return { next: 'exhausted', message };
  const attempt = message.attempt + 1;
  transaction.run(
    "UPDATE message SET status = 'running', attempt = ?, started_at = ? WHERE id = ?",
    attempt,
    at,
    message.id,
  );
  const texts = [message.text, ...sharing(transaction, message).map((other) => other.text)];
  return {
    next: 'delivery',
    delivery: { message: { ...message, status: 'running', attempt }, text: texts.join('\n\n'), attempt },
  };
}

/**
 * Those that share the turn of a message in collect mode: of the same sender, waiting right behind it. Chosen at
 * the first attempt and kept, since the agent knows a message by its id and must be given the same text again.
 */
function sharing(transaction: Transaction, first: Message): Message[] {
  if (first.mode !== 'collect') return [];
  if (first.startedAt !== null) {
    return transaction
      .all("SELECT * FROM message WHERE merged_into = ? AND mode = 'collect' ORDER BY ordinal", first.id)
      .map(messageOf);
  }
  const behind = transaction
    .all(
      `SELECT * FROM message WHERE agent = ? AND ordinal > ? AND status = 'queued' AND merged_into IS NULL
       ORDER BY ordinal LIMIT ?`,
      first.agent,
      first.ordinal,
      COLLECT_MESSAGES - 1,
    )
    .map(messageOf);
  const found: Message[] = [];
  let characters = first.text.length;
  for (const message of behind) {
    characters += message.text.length + 2;
    const fits =
      message.mode === 'collect' && message.sender === first.sender && characters <= COLLECT_CHARACTERS;
    if (!fits) break;
    found.push(message);
    transaction.run(
      "UPDATE message SET status = 'running', merged_into = ? WHERE id = ?",
      first.id,
      message.id,
    );
  }
  return found;
}
