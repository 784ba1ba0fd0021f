import type { CoordinationAttention, TaskDetail, TaskPage } from '@openlegion/contract/control-coordination';
import type { TaskView } from '@openlegion/contract/task';
import { oneLine, safeText } from '../terminal/safe-text.ts';
import { formatTable } from '../terminal/table.ts';

export function taskTable({ tasks, next }: TaskPage): string {
  if (tasks.length === 0) return 'There are none.';
  const rows = tasks.map((task) => [
    ...[task.taskId, task.status, originOf(task), task.assignee, time(task.updatedAt)],
    oneLine(task.note === '' ? task.task : `${task.note} · ${task.task}`, 60),
  ]);
  const table = formatTable([['TASK', 'STATUS', 'FROM', 'TO', 'MOVED', ''], ...rows]);
  return next === null ? table : `${table}\nThere are older ones: --before ${next}`;
}

/** A task whole: what was asked, every move, and what came of it. */
export function taskLines({ task, changes }: TaskDetail): string[] {
  const { taskId, status, assignee, to, traceId, hops, askedBy, refusal, result } = task;
  const addressed = to === assignee ? '' : ` (addressed to ${oneLine(to, 80)})`;
  return [
    `${taskId} is ${status}: ${originOf(task)} → ${assignee}${addressed}`,
    `trace ${traceId}, ${hops} hand-offs deep${askedBy ? `, asked for by ${oneLine(askedBy.person, 60)} (${askedBy.channel})` : ''}`,
    '',
    safeText(task.task),
    '',
    ...changes.map(
      ({ at, actor, from, to: now, note }) =>
        `${time(at)}  ${oneLine(actor, 60)}: ${from === null ? '' : `${from} → `}${now}${note === '' ? '' : `  ${oneLine(note, 200)}`}`,
    ),
    ...(refusal
      ? ['', `${oneLine(refusal.message, 2000)} [${refusal.rule}]`, oneLine(refusal.remedy, 2000)]
      : []),
    ...(result === null
      ? []
      : ['', safeText(typeof result === 'string' ? result : JSON.stringify(result, null, 2))]),
  ];
}

/** For the status of the fleet: one line for each thing to look at. */
export function attentionLines({ tasks, deadLetters }: CoordinationAttention): string[] {
  const lines = tasks.map(({ task, reason, forMs }) => {
    const said = reason === 'blocked' && task.note !== '' ? `: ${oneLine(task.note, 120)}` : '';
    const minutes = Math.floor(forMs / 60_000);
    return `task ${task.taskId} of ${task.assignee} is ${reason}${minutes > 0 ? `, for ${minutes} min` : ''}${said}`;
  });
  if (deadLetters > 0) lines.push(`${deadLetters} events could not be delivered: ./openlegion events list`);
  return lines;
}

function originOf({ origin }: Pick<TaskView, 'origin'>): string {
  if (origin.kind === 'agent') return origin.agent;
  if (origin.kind === 'workflow') return oneLine(`${origin.run}/${origin.step}`, 60);
  return oneLine(origin.asker.person, 60);
}

function time(at: string): string {
  return at.slice(0, 19).replace('T', ' ');
}
