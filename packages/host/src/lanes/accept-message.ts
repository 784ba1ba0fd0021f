import type { Refusal } from '@openlegion/contract/refusal';
import type { Asker } from '@openlegion/contract/task';
import type { AuditLog } from '../audit/audit-log.ts';
import type { EventLog } from '../delivery/event-log.ts';
import type { Transaction } from '../store/database.ts';
import { integerOf } from '../store/row.ts';
import { type Message, messageOf } from './message.ts';

/** Open messages that one lane holds; what comes beyond is refused rather than stored. */
export const LANE_DEPTH = 1000;

export interface NewMessage
  extends Pick<
    Message,
    'id' | 'traceId' | 'parentId' | 'hops' | 'agent' | 'sender' | 'mode' | 'text' | 'createdAt'
  > {
  /** The person whose question led to it, where there is one. */
  askedBy?: Asker | null;
  /** Same sender, same key: the same message. */
  idempotencyKey: string | null;
  /** What allowed it, for the audit log. */
  rule: string;
  /** The person who sent it, where the sender is `operator`. */
  by?: string;
}

export type Acceptance =
  | { accepted: true; message: Message; ahead: number; created: boolean; announce: () => void }
  | { accepted: false; refusal: Refusal };

/** Stores a message at the end of its lane, with its audit record and event. */
export function acceptMessage(
  transaction: Transaction,
  parts: { audit: AuditLog; events: EventLog },
  fresh: NewMessage,
): Acceptance {
  const earlier =
    fresh.idempotencyKey === null
      ? undefined
      : transaction.get(
          'SELECT * FROM message WHERE sender = ? AND idempotency_key = ?',
          fresh.sender,
          fresh.idempotencyKey,
        );
  if (earlier) return repeatOf(transaction, messageOf(earlier), fresh);

  const ahead = openIn(transaction, fresh.agent);
  if (ahead >= LANE_DEPTH) return { accepted: false, refusal: laneFull(fresh.agent) };
  transaction.run(
    `INSERT INTO message (id, trace_id, parent_id, hops, agent, sender, mode, text, idempotency_key, status, created_at, asked_by)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?)`,
    fresh.id,
    fresh.traceId,
    fresh.parentId,
    fresh.hops,
    fresh.agent,
    fresh.sender,
    fresh.mode,
    fresh.text,
    fresh.idempotencyKey,
    fresh.createdAt,
    fresh.askedBy ? JSON.stringify(fresh.askedBy) : null,
  );
  parts.audit.append(transaction, {
    type: 'message.accepted',
    actor: fresh.by ?? fresh.sender,
    subject: fresh.agent,
    decision: 'allowed',
    rule: fresh.rule,
    traceId: fresh.traceId,
    detail: { message: fresh.id, parent: fresh.parentId, hops: fresh.hops, characters: fresh.text.length },
  });
  const event = parts.events.store(transaction, {
    agent: fresh.agent,
    messageId: fresh.id,
    traceId: fresh.traceId,
    event: { type: 'message_accepted', from: fresh.sender, text: fresh.text },
  });
  const stored = transaction.get('SELECT * FROM message WHERE id = ?', fresh.id);
  return {
    accepted: true,
    message: messageOf(stored ?? {}),
    ahead,
    created: true,
    announce: () => parts.events.announce(event),
  };
}

function repeatOf(transaction: Transaction, message: Message, fresh: NewMessage): Acceptance {
  if (message.agent !== fresh.agent || message.text !== fresh.text) {
    return {
      accepted: false,
      refusal: {
        code: 'conflict',
        rule: 'lanes.idempotency_key',
        message: 'This idempotency key was used for another message.',
        remedy: 'Use a new key for a new message, and the old one only to repeat the old message unchanged.',
      },
    };
  }
  const open = transaction.get(
    "SELECT COUNT(*) AS n FROM message WHERE agent = ? AND status IN ('queued', 'running') AND ordinal < ?",
    message.agent,
    message.ordinal,
  );
  return { accepted: true, message, ahead: integerOf(open ?? {}, 'n'), created: false, announce: () => {} };
}

function openIn(transaction: Transaction, agent: string): number {
  const row = transaction.get(
    "SELECT COUNT(*) AS n FROM message WHERE agent = ? AND status IN ('queued', 'running')",
    agent,
  );
  return integerOf(row ?? {}, 'n');
}

function laneFull(agent: string): Refusal {
  return {
    code: 'rate_limited',
    rule: 'lanes.depth',
    message: `${agent} has ${LANE_DEPTH} messages waiting and takes no more for now.`,
    remedy: 'Wait until some are answered, or see with "./openlegion status" why it does not get on.',
  };
}
