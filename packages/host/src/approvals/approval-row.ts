import { ApprovalKind, ApprovalStatus, type ApprovalView } from '@openlegion/contract/control-approvals';
import { integerOf, type Row, textOf, textOrNull } from '../store/row.ts';

/** A question to a person as its row holds it; times in milliseconds. */
export interface Approval {
  ordinal: number;
  id: string;
  key: string;
  kind: ApprovalKind;
  /** An agent's name, or `workflow:NAME`. */
  asker: string;
  what: string;
  subject: string;
  hash: string;
  traceId: string;
  messageId: string;
  status: ApprovalStatus;
  note: string;
  by: string | null;
  askedAt: number;
  expiresAt: number;
  answeredAt: number | null;
  usedAt: number | null;
}

export function approvalOf(row: Row): Approval {
  return {
    ordinal: integerOf(row, 'ordinal'),
    id: textOf(row, 'id'),
    key: textOf(row, 'key'),
    kind: ApprovalKind.parse(row.kind),
    asker: textOf(row, 'asker'),
    what: textOf(row, 'what'),
    subject: textOf(row, 'subject'),
    hash: textOf(row, 'hash'),
    traceId: textOf(row, 'trace_id'),
    messageId: textOf(row, 'message_id'),
    status: ApprovalStatus.parse(row.status),
    note: textOf(row, 'note'),
    by: textOrNull(row, 'answered_by'),
    askedAt: integerOf(row, 'asked_at'),
    expiresAt: integerOf(row, 'expires_at'),
    answeredAt: row.answered_at === null ? null : integerOf(row, 'answered_at'),
    usedAt: row.used_at === null ? null : integerOf(row, 'used_at'),
  };
}

export function approvalView(approval: Approval): ApprovalView {
  const { id, kind, asker, what, traceId, status, hash, by, note, subject } = approval;
  const { askedAt, expiresAt, answeredAt, usedAt } = approval;
  const time = (at: number) => new Date(at).toISOString();
  return {
    ...{ id, kind, asker, what, traceId, status, hash, by, note, subject },
    askedAt: time(askedAt),
    expiresAt: time(expiresAt),
    answeredAt: answeredAt === null ? null : time(answeredAt),
    usedAt: usedAt === null ? null : time(usedAt),
  };
}
