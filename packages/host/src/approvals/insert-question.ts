import { createHash } from 'node:crypto';
import type { ApprovalKind } from '@openlegion/contract/control-approvals';
import type { Refusal } from '@openlegion/contract/refusal';
import type { Transaction } from '../store/database.ts';
import { integerOf, type Row, textOf } from '../store/row.ts';
import { type Approval, approvalOf } from './approval-row.ts';
import { approvalRefusals } from './refusals.ts';

/** Questions of one kind and asker that may wait at a time: an agent cannot wear people out. */
export const MOST_PENDING = { tool: 15, egress: 5 };
const MOST_SUBJECT_CHARACTERS = 1024 * 1024;

export interface Question {
  kind: ApprovalKind;
  /** Same key, same question. */
  key: string;
  asker: string;
  /** One line in the host's own words. */
  what: string;
  /** Exactly what will run, whole. */
  subject: unknown;
  traceId: string;
  /** The message in whose turn, or the run in which, it is asked. */
  messageId: string;
  expiresAt: number;
}

/** Why it cannot be asked; null when it can. `earlier` is what was asked under its key. */
export function questionProblem(
  transaction: Transaction,
  { kind, asker }: Question,
  subject: string,
  earlier: Row | undefined,
): Refusal | null {
  if (earlier) return textOf(earlier, 'subject') === subject ? null : approvalRefusals.keyUsed();
  if (subject.length > MOST_SUBJECT_CHARACTERS) return approvalRefusals.tooLarge(MOST_SUBJECT_CHARACTERS);
  // What workflows ask is bounded by their steps and runs, and an operator accepted them.
  if (kind === 'step') return null;
  const open = transaction.get(
    "SELECT COUNT(*) AS n FROM approval WHERE status = 'pending' AND asker = ? AND kind = ?",
    ...[asker, kind],
  );
  const most = MOST_PENDING[kind];
  return integerOf(open ?? {}, 'n') >= most ? approvalRefusals.tooMany(most) : null;
}

export function insertQuestion(
  transaction: Transaction,
  question: Question & { id: string; subject: string },
  now: number,
): Approval {
  const { id, key, kind, asker, what, subject, traceId, messageId, expiresAt } = question;
  const row = transaction.get(
    `INSERT INTO approval (id, key, kind, asker, what, subject, hash, trace_id, message_id, status, note, asked_at,
     expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', '', ?, ?) RETURNING *`,
    ...[id, key, kind, asker, what.slice(0, 300), subject],
    ...[createHash('sha256').update(subject).digest('hex'), traceId, messageId, now, expiresAt],
  );
  return approvalOf(row ?? {});
}
