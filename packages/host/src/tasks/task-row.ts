import { JsonValue } from '@openlegion/contract/json-value';
import { Refusal } from '@openlegion/contract/refusal';
import { Asker, TaskOrigin, TaskStatus, type TaskView } from '@openlegion/contract/task';
import type { Reader } from '../store/database.ts';
import { integerOf, type Row, textOf, textOrNull } from '../store/row.ts';

export function taskOf(row: Row): TaskView {
  const askedBy = textOrNull(row, 'asked_by');
  const refusal = textOrNull(row, 'refusal');
  return {
    taskId: textOf(row, 'id'),
    traceId: textOf(row, 'trace_id'),
    parentId: textOrNull(row, 'parent_id'),
    hops: integerOf(row, 'hops'),
    origin: TaskOrigin.parse(JSON.parse(textOf(row, 'origin'))),
    askedBy: askedBy === null ? null : Asker.parse(JSON.parse(askedBy)),
    assignee: textOf(row, 'assignee'),
    to: textOf(row, 'addressed_to'),
    task: textOf(row, 'text'),
    status: TaskStatus.parse(row.status),
    note: textOf(row, 'note'),
    result: JsonValue.parse(JSON.parse(textOf(row, 'result'))),
    refusal: refusal === null ? null : Refusal.parse(JSON.parse(refusal)),
    createdAt: timeOf(integerOf(row, 'created_at')),
    updatedAt: timeOf(integerOf(row, 'updated_at')),
    finishedAt: row.finished_at === null ? null : timeOf(integerOf(row, 'finished_at')),
  };
}

export function findTask(reader: Reader, taskId: string): TaskView | null {
  const row = reader.get('SELECT * FROM task WHERE id = ?', taskId);
  return row ? taskOf(row) : null;
}

/** How an origin is written as an actor, and told apart from all others. */
export function originName(origin: TaskOrigin): string {
  if (origin.kind === 'agent') return origin.agent;
  if (origin.kind === 'workflow') return `workflow:${origin.run}/${origin.step}`;
  return `person:${origin.asker.channel}:${origin.asker.person}`;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
