import type { Database } from '../store/database.ts';
import { integerOf, textOf } from '../store/row.ts';

/** Rows looked at in one transaction: a message may be half a megabyte, a run have a thousand items. */
const SLICE = 100;

/** What there is of a trace beside its events: since when, in milliseconds, and what goes with it. */
const KEPT = [
  { table: 'message', since: 'unixepoch(created_at) * 1000', parts: [] },
  {
    table: 'task',
    since: 'created_at',
    parts: [
      ['task_errand', 'task_id'],
      ['task_change', 'task_id'],
      ['spawned_agent', 'task_id'],
    ],
  },
  {
    table: 'workflow_run',
    since: "json_extract(record, '$.startedAtMs')",
    parts: [
      ['workflow_step', 'run'],
      ['workflow_item', 'run'],
    ],
  },
  { table: 'approval', since: 'COALESCE(answered_at, asked_at)', parts: [] },
] as const;

/**
 * Nothing more comes of the trace of a row, and nothing of it can come again: what is sent anew is known by its key to
 * a row of the same trace. A blocked task, a question to a person, an event that nobody took yet
 * and a spawned agent that is not gone hold it too.
 */
const OVER = [
  'event WHERE',
  "message WHERE status IN ('queued', 'running') AND",
  'task WHERE finished_at IS NULL AND',
  'task_errand WHERE due_at IS NOT NULL AND',
  "workflow_run WHERE status = 'running' AND",
  "approval WHERE status = 'pending' AND",
  'topic_event WHERE live > 0 AND',
  'spawned_agent JOIN task ON task.id = task_id WHERE ended_at IS NULL AND',
]
  .map((open) => `NOT EXISTS (SELECT 1 FROM ${open} trace_id = kept.trace_id)`)
  .join(' AND ');

/**
 * Deletes messages, tasks, runs and answered questions that are older than `before`, of traces that are over and of
 * which no event is kept any more, until `signal` aborts. Each slice is a transaction, and a row goes together with
 * what is of it: what ends the host in between leaves the rest to the next time. Resolves with how many.
 */
export async function forgetTraces(database: Database, before: number, signal: AbortSignal): Promise<number> {
  let forgotten = 0;
  for (const { table, since, parts } of KEPT) {
    let after = 0;
    for (let more = true; more && !signal.aborted; ) {
      await database.write((transaction) => {
        const rows = transaction.all(
          `SELECT ordinal, id, ${since} < ?1 AS old, ${since} < ?1 AND ${OVER} AS over FROM ${table} AS kept
           WHERE ordinal > ?2 ORDER BY ordinal LIMIT ?3`,
          ...[before, after, SLICE],
        );
        const ids = JSON.stringify(rows.filter(({ over }) => over === 1).map((row) => textOf(row, 'id')));
        for (const [part, column] of [...parts, [table, 'id'] as const]) {
          const deleted = transaction.run(
            `DELETE FROM ${part} WHERE ${column} IN (SELECT value FROM json_each(?))`,
            ids,
          );
          if (part === table) forgotten += deleted;
        }
        const last = rows.at(-1);
        // Behind one that is young all are, but for what a clock that was set wrong mixed up.
        more = rows.length === SLICE && last?.old === 1;
        if (last) after = integerOf(last, 'ordinal');
      });
    }
  }
  return forgotten;
}
