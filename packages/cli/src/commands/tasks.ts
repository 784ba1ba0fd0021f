import { TaskDetail, TaskPage } from '@openlegion/contract/control-coordination';
import { TaskView } from '@openlegion/contract/task';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';
import { taskLines, taskTable } from '../coordination/task-lines.ts';

export interface TasksOptions {
  agent?: string;
  status?: string;
  open?: boolean;
  before?: string;
  json?: boolean;
  note?: string;
}

export async function tasksList(
  { home, terminal }: CommandContext,
  { agent, status, open, before, json }: TasksOptions,
): Promise<number> {
  const search = new URLSearchParams();
  const wanted = { agent, status, before, open: open ? 'true' : undefined };
  for (const [name, value] of Object.entries(wanted)) if (value !== undefined) search.set(name, value);
  const page = await createControlClient(home).json(TaskPage, {
    ...{ method: 'GET', path: `/api/tasks?${search}` },
  });
  terminal.line(json ? JSON.stringify(page, null, 2) : taskTable(page));
  return 0;
}

export async function tasksShow(
  { home, terminal }: CommandContext,
  id: string,
  { json }: TasksOptions,
): Promise<number> {
  const found = await createControlClient(home).json(TaskDetail, { method: 'GET', path: pathOf(id) });
  terminal.line(json ? JSON.stringify(found, null, 2) : taskLines(found).join('\n'));
  return 0;
}

/** Calls a task off: taken out of its agent's lane, or its turn cancelled; whoever handed it on is told. */
export async function tasksCancel(
  { home, terminal }: CommandContext,
  id: string,
  { note = '', json }: TasksOptions,
): Promise<number> {
  const task = await createControlClient(home).json(TaskView, {
    ...{ method: 'POST', path: `${pathOf(id)}/cancel`, json: { note } },
  });
  terminal.line(json ? JSON.stringify(task, null, 2) : `${task.taskId} is ${task.status}`);
  return 0;
}

function pathOf(id: string): string {
  return `/api/tasks/${encodeURIComponent(id)}`;
}
