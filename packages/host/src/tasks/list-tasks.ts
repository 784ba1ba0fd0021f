import type { TaskFilter, TaskPage } from '@openlegion/contract/control-coordination';
import type { z } from 'zod';
import type { Reader } from '../store/database.ts';
import { integerOf } from '../store/row.ts';
import { taskOf } from './task-row.ts';

/** Texts in a list are cut to this many characters; the whole is with the task. */
const TEXT_CHARACTERS = 300;

/** Tasks of all agents, newest first, without their results. */
export function listTasks(reader: Reader, filter: z.output<typeof TaskFilter>): TaskPage {
  const { agent = null, status = null, open, before = Number.MAX_SAFE_INTEGER, limit } = filter;
  const rows = reader.all(
    `SELECT *, SUBSTR(text, 1, ${TEXT_CHARACTERS}) AS text, 'null' AS result FROM task
     WHERE ordinal < ? AND (assignee = ? OR origin_name = ? OR ? IS NULL) AND (status = ? OR ? IS NULL)
     AND (finished_at IS NULL OR ? = 0) ORDER BY ordinal DESC LIMIT ?`,
    ...[before, agent, agent, agent, status, status, open ? 1 : 0, limit],
  );
  const tasks = rows.map((row) => {
    const { result: _, ...task } = taskOf(row);
    return { ...task, task: task.task.toWellFormed(), ordinal: integerOf(row, 'ordinal') };
  });
  return { tasks, next: tasks.length < limit ? null : (tasks.at(-1)?.ordinal ?? null) };
}
