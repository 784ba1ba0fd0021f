import { ItemState, RunRecord, StepState } from '@openlegion/contract/workflow-run';
import type { z } from 'zod';
import type { Reader, Transaction } from '../store/database.ts';
import { type Row, textOf } from '../store/row.ts';
import type { Change, RunSnapshot } from './run-draft.ts';

export function insertRun(transaction: Transaction, record: RunRecord, startKey: string | null): void {
  transaction.run(
    'INSERT INTO workflow_run (id, workflow, hash, start_key, trace_id, status, record) VALUES (?, ?, ?, ?, ?, ?, ?)',
    record.id,
    record.workflow,
    record.hash,
    startKey,
    record.traceId,
    record.status,
    JSON.stringify(record),
  );
}

/** Stores what changed; within one transaction, so that a run on disk is always between two transitions. */
export function saveChange(transaction: Transaction, { record, steps, items }: Change): void {
  transaction.run(
    'UPDATE workflow_run SET status = ?, record = ? WHERE id = ?',
    record.status,
    JSON.stringify(record),
    record.id,
  );
  for (const [id, state] of steps)
    transaction.run(
      'INSERT OR REPLACE INTO workflow_step VALUES (?, ?, ?)',
      record.id,
      id,
      JSON.stringify(state),
    );
  for (const [key, state] of items)
    transaction.run(
      'INSERT OR REPLACE INTO workflow_item VALUES (?, ?, ?)',
      record.id,
      key,
      JSON.stringify(state),
    );
}

export function loadRun(reader: Reader, id: string): RunSnapshot | null {
  const row = reader.get('SELECT record FROM workflow_run WHERE id = ?', id);
  if (!row) return null;
  const steps = reader.all('SELECT step, state FROM workflow_step WHERE run = ?', id);
  const items = reader.all('SELECT item, state FROM workflow_item WHERE run = ?', id);
  return {
    record: parsed(RunRecord, row, 'record'),
    steps: new Map(steps.map((step) => [textOf(step, 'step'), parsed(StepState, step, 'state')])),
    items: new Map(items.map((item) => [textOf(item, 'item'), parsed(ItemState, item, 'state')])),
  };
}

export function findByStartKey(reader: Reader, key: string): RunRecord | null {
  const row = reader.get('SELECT record FROM workflow_run WHERE start_key = ?', key);
  return row ? parsed(RunRecord, row, 'record') : null;
}

/** Runs that are not over, oldest first. */
export function openRuns(reader: Reader): string[] {
  return reader
    .all("SELECT id FROM workflow_run WHERE status = 'running' ORDER BY ordinal")
    .map((row) => textOf(row, 'id'));
}

/** Whether a run of this trace goes on: the trace has then not settled. */
export function hasOpenRun(reader: Reader, traceId: string): boolean {
  return (
    reader.get("SELECT 1 FROM workflow_run WHERE trace_id = ? AND status = 'running' LIMIT 1", traceId) !==
    undefined
  );
}

/** In the order in which they were started. */
export function runsOfTrace(reader: Reader, traceId: string): RunRecord[] {
  return reader
    .all('SELECT record FROM workflow_run WHERE trace_id = ? ORDER BY ordinal LIMIT 100', traceId)
    .map((row) => parsed(RunRecord, row, 'record'));
}

/** Newest first. */
export function listRuns(reader: Reader, workflow: string | null, limit: number): RunRecord[] {
  const rows =
    workflow === null
      ? reader.all('SELECT record FROM workflow_run ORDER BY ordinal DESC LIMIT ?', limit)
      : reader.all(
          'SELECT record FROM workflow_run WHERE workflow = ? ORDER BY ordinal DESC LIMIT ?',
          workflow,
          limit,
        );
  return rows.map((row) => parsed(RunRecord, row, 'record'));
}

function parsed<S extends z.ZodType>(schema: S, row: Row, column: string): z.output<S> {
  return schema.parse(JSON.parse(textOf(row, column)));
}
