import { TaskList, TaskUpdate, type TaskView } from '@openlegion/contract/task';
import { z } from 'zod';
import type { MeshClient } from '../pipe/pipe.ts';
import { answerOfMesh, orRefused } from '../tools/answer-of-mesh.ts';
import { type AnyTool, defineTool } from '../tools/tool.ts';

const SHOWN_CHARS = 2000;
const TaskId = z.string().min(1).max(100);

/** The agent's own tasks, as tools: those it was given, and those it handed on. */
export function createTaskTools(mesh: MeshClient): AnyTool[] {
  return [
    defineTool({
      name: 'check_inbox',
      description: 'Show the tasks that you were given and have not finished, and those that you handed on.',
      schema: z.strictObject({}),
      run: (_input, { signal }) =>
        orRefused(async () => {
          const [given, handed] = await Promise.all(
            ['/mesh/inbox', '/mesh/tasks'].map(async (path) =>
              TaskList.parse(await answerOfMesh(mesh, signal, path)),
            ),
          );
          const output = [...told('Given to you:', given), ...told('Handed on by you:', handed)].join('\n');
          return { outcome: 'ok', output };
        }),
    }),
    defineTool({
      name: 'update_status',
      description:
        'Say how a task that you were given stands: accepted, working, blocked (what it waits for is the note) or failed (why is the note).',
      schema: z.strictObject({
        task_id: TaskId,
        status: TaskUpdate.shape.status,
        note: z.string().max(2000).default(''),
      }),
      run: ({ task_id, status, note }, { signal }) =>
        orRefused(async () => {
          await answerOfMesh(mesh, signal, '/mesh/tasks/update', { taskId: task_id, status, note });
          return { outcome: 'ok', output: `task ${task_id} is ${status}` };
        }),
    }),
    defineTool({
      name: 'complete_task',
      description:
        'Finish a task that you were given, with its result as JSON or text. It goes back to whoever gave it. Without this your answer is the result.',
      schema: z.strictObject({ task_id: TaskId, result: z.unknown().describe('any JSON') }),
      run: ({ task_id, result = null }, { signal }) =>
        orRefused(async () => {
          await answerOfMesh(mesh, signal, '/mesh/tasks/complete', { taskId: task_id, result });
          return { outcome: 'ok', output: `task ${task_id} is done` };
        }),
    }),
  ];
}

function told(title: string, list: TaskList | undefined): string[] {
  const tasks = list?.tasks ?? [];
  if (tasks.length === 0) return [title, '  none'];
  return [title, ...tasks.map(lineOf), ...(list?.truncated ? ['  [and more]'] : [])];
}

function lineOf({ taskId, status, assignee, origin, task, note, createdAt }: TaskView): string {
  const from = origin.kind === 'agent' ? origin.agent : origin.kind;
  const why = note === '' ? '' : `; note: ${JSON.stringify(note)}`;
  return `  ${taskId}  ${status}, ${from} → ${assignee}, since ${createdAt}${why}\n    ${JSON.stringify(task.slice(0, SHOWN_CHARS))}`;
}
