import type { Reader, Transaction } from '../store/database.ts';
import { integerOf, textOf } from '../store/row.ts';

const ERRAND_KINDS = ['dispatch', 'recall', 'result', 'person', 'attention'] as const;
export type ErrandKind = (typeof ERRAND_KINDS)[number];

/** What the host has still to do for a task. */
export interface Errand {
  taskId: string;
  kind: ErrandKind;
  /** For `attention`: why. */
  reason: string;
  attempt: number;
  dueAt: number;
}

/** From the commit on the errand is done at least once. One of the same kind that still waits is replaced. */
export function addErrand(
  transaction: Transaction,
  errand: { taskId: string; traceId: string; kind: ErrandKind; reason: string; dueAt: number },
): void {
  transaction.run(
    'INSERT OR REPLACE INTO task_errand VALUES (?, ?, ?, ?, 0, ?)',
    ...[errand.taskId, errand.kind, errand.traceId, errand.reason, errand.dueAt],
  );
}

export function dueErrands(reader: Reader, now: number, limit: number): Errand[] {
  return reader
    .all('SELECT * FROM task_errand WHERE due_at <= ? ORDER BY due_at LIMIT ?', now, limit)
    .flatMap((row) => {
      const kind = ERRAND_KINDS.find((known) => known === row.kind);
      if (!kind) return [];
      return [
        {
          taskId: textOf(row, 'task_id'),
          kind,
          reason: textOf(row, 'reason'),
          attempt: integerOf(row, 'attempt') + 1,
          dueAt: integerOf(row, 'due_at'),
        },
      ];
    });
}

/** When the next one is due; null when none is. */
export function nextErrandAt(reader: Reader): number | null {
  const row = reader.get('SELECT MIN(due_at) AS due FROM task_errand WHERE due_at IS NOT NULL');
  return row?.due == null ? null : integerOf(row, 'due');
}

export function dropErrand(transaction: Transaction, taskId: string, kind: ErrandKind): void {
  transaction.run('DELETE FROM task_errand WHERE task_id = ? AND kind = ?', taskId, kind);
}

/** It is done; one that was added in its place meanwhile stays. */
export function endErrand(transaction: Transaction, { taskId, kind, dueAt }: Errand): void {
  transaction.run(
    'DELETE FROM task_errand WHERE task_id = ? AND kind = ? AND due_at = ?',
    ...[taskId, kind, dueAt],
  );
}

/** Tries it again at `dueAt`; with null it stays, given up, for a person to see. */
export function postponeErrand(transaction: Transaction, errand: Errand, dueAt: number | null): void {
  transaction.run(
    'UPDATE task_errand SET attempt = ?, due_at = ? WHERE task_id = ? AND kind = ? AND due_at = ?',
    ...[errand.attempt, dueAt, errand.taskId, errand.kind, errand.dueAt],
  );
}
