import { MessageStatus, type MessageView } from '@openlegion/contract/control-api';
import { Refusal } from '@openlegion/contract/refusal';
import { Asker } from '@openlegion/contract/task';
import { integerOf, type Row, textOf, textOrNull } from '../store/row.ts';

/** A message as its row in `mesh.db` holds it. */
export interface Message {
  ordinal: number;
  id: string;
  traceId: string;
  /** The message in whose turn the sender handed this on; null for one of the operator's. */
  parentId: string | null;
  /** Hand-offs since the operator's message. */
  hops: number;
  agent: string;
  /** `operator`, or an agent's name. */
  sender: string;
  mode: 'followup' | 'steer' | 'collect';
  /** The person whose question led to this; null where there was none. */
  askedBy: Asker | null;
  text: string;
  status: MessageStatus;
  attempt: number;
  hostEnds: number;
  /** Null until it has been given to the agent. */
  startedAt: string | null;
  mergedInto: string | null;
  reply: string | null;
  refusal: Refusal | null;
  chargedMicroUsd: number;
  createdAt: string;
  finishedAt: string | null;
}

export function messageOf(row: Row): Message {
  const mode = textOf(row, 'mode');
  const refusal = textOrNull(row, 'refusal');
  const askedBy = textOrNull(row, 'asked_by');
  return {
    ordinal: integerOf(row, 'ordinal'),
    id: textOf(row, 'id'),
    traceId: textOf(row, 'trace_id'),
    parentId: textOrNull(row, 'parent_id'),
    hops: integerOf(row, 'hops'),
    agent: textOf(row, 'agent'),
    sender: textOf(row, 'sender'),
    mode: mode === 'steer' || mode === 'collect' ? mode : 'followup',
    askedBy: askedBy === null ? null : Asker.parse(JSON.parse(askedBy)),
    text: textOf(row, 'text'),
    status: MessageStatus.parse(row.status),
    attempt: integerOf(row, 'attempt'),
    hostEnds: integerOf(row, 'host_ends'),
    startedAt: textOrNull(row, 'started_at'),
    mergedInto: textOrNull(row, 'merged_into'),
    reply: textOrNull(row, 'reply'),
    refusal: refusal === null ? null : Refusal.parse(JSON.parse(refusal)),
    chargedMicroUsd: integerOf(row, 'charged_micro_usd'),
    createdAt: textOf(row, 'created_at'),
    finishedAt: textOrNull(row, 'finished_at'),
  };
}

export function messageView(message: Message): MessageView {
  const { id, traceId, agent, sender, status, text, reply, refusal, chargedMicroUsd, createdAt, finishedAt } =
    message;
  return {
    messageId: id,
    traceId,
    agent,
    from: sender,
    status,
    text,
    reply,
    refusal,
    chargedMicroUsd,
    createdAt,
    finishedAt,
  };
}
