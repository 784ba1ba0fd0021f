import type { FleetEvent } from '@openlegion/contract/control-api';
import type { Refusal } from '@openlegion/contract/refusal';
import type { AuditLog } from '../audit/audit-log.ts';
import type { EventLog } from '../delivery/event-log.ts';
import type { Transaction } from '../store/database.ts';
import type { Produced } from './delivery.ts';
import { type Message, messageOf } from './message.ts';

/** What follows from turns of messages that are tasks, in the same transaction; the rest of the host knows tasks. */
export interface TurnHooks {
  begun(transaction: Transaction, message: Message): void;
  ended(transaction: Transaction, message: Message, produced: Produced | undefined): void;
  /** Whether more will come of a trace although none of its messages is open. */
  isOpen(transaction: Transaction, traceId: string): boolean;
}

export interface Settlement {
  produced?: Produced | undefined;
  status: 'done' | 'cancelled' | 'failed';
  reply: string | null;
  refusal: Refusal | null;
  finishedAt: string;
}

/**
 * Gives a running message, and those answered in its turn, their one final state. A message that is final already
 * stays as it is, so a reply is stored once whatever happens. Returns the events to announce after the commit;
 * `trace_settled` for each trace whose last message this was.
 */
export function settleMessage(
  transaction: Transaction,
  parts: { audit: AuditLog; events: EventLog; turns: TurnHooks },
  messageId: string,
  { status, reply, refusal, finishedAt, produced }: Settlement,
): FleetEvent[] {
  const settled = transaction
    .all(
      `UPDATE message SET status = ?, reply = ?, refusal = ?, finished_at = ?
       WHERE (id = ? OR merged_into = ?) AND status IN ('queued', 'running') RETURNING *`,
      status,
      reply,
      refusal === null ? null : JSON.stringify(refusal),
      finishedAt,
      messageId,
      messageId,
    )
    .map(messageOf)
    .sort((a, b) => a.ordinal - b.ordinal);
  // What was steered into the turn is answered by it, and produced nothing of its own.
  for (const message of settled)
    parts.turns.ended(transaction, message, message.id === messageId ? produced : undefined);
  const announcements = settled.map((message) => recordSettled(transaction, parts, message));
  for (const traceId of new Set(settled.map((message) => message.traceId))) {
    const open = transaction.get(
      "SELECT 1 FROM message WHERE trace_id = ? AND status IN ('queued', 'running') LIMIT 1",
      traceId,
    );
    const last = settled.findLast((message) => message.traceId === traceId);
    if (open || !last || parts.turns.isOpen(transaction, traceId)) continue;
    announcements.push(
      parts.events.store(transaction, {
        agent: last.agent,
        messageId: last.id,
        traceId,
        event: { type: 'trace_settled' },
      }),
    );
  }
  return announcements;
}

function recordSettled(
  transaction: Transaction,
  { audit, events }: { audit: AuditLog; events: EventLog },
  { id, traceId, agent, sender, status, reply, refusal, attempt, chargedMicroUsd }: Message,
): FleetEvent {
  audit.append(transaction, {
    type: 'message.settled',
    actor: agent,
    subject: sender,
    rule: refusal?.rule ?? '',
    traceId,
    detail: { message: id, status, attempt, characters: reply?.length ?? 0, chargedMicroUsd },
  });
  return events.store(transaction, {
    agent,
    messageId: id,
    traceId,
    event: { type: 'message_settled', status, reply, refusal, chargedMicroUsd },
  });
}
