import type { HostEvent } from '@openlegion/contract/control-api';
import type { TaskView } from '@openlegion/contract/task';
import type { Lanes } from '../lanes/lanes.ts';
import type { Routed } from '../router/router.ts';
import { describeAttention, describeResult } from './describe-result.ts';
import type { TaskHooks } from './run-errand.ts';
import type { CoordinationParts } from './wire-coordination.ts';

/** Of a result, what a person is shown of it on the trace; the whole is with the task. */
const SHOWN_CHARACTERS = 64 * 1024;

/** What tasks ask of lanes, agents, workflows and people. */
export function createTaskHooks(
  parts: Pick<CoordinationParts, 'config' | 'events' | 'fleet' | 'lanes' | 'newId' | 'workflows'>,
): TaskHooks {
  const { config, events, fleet, lanes, newId, workflows } = parts;

  async function accept(message: Parameters<Lanes['accept']>[0]): Promise<Routed<unknown>> {
    const accepted = await lanes().accept(message);
    return accepted.accepted ? DONE : { ok: false, refusal: accepted.refusal };
  }

  async function tell(task: TaskView, event: HostEvent): Promise<Routed<unknown>> {
    const { assignee, taskId, traceId } = task;
    await events.record({ agent: assignee, messageId: taskId, traceId, event });
    return DONE;
  }

  return {
    dispatch: (task) =>
      accept({
        ...{ id: task.taskId, traceId: task.traceId, parentId: task.parentId, hops: task.hops },
        ...{ agent: task.assignee, sender: senderOf(task), askedBy: task.askedBy, mode: 'followup' },
        ...{ text: task.task, idempotencyKey: `task/${task.taskId}`, rule: 'tasks' },
      }),
    async recall({ taskId, assignee }) {
      if (await lanes().withdraw(taskId, RECALLED)) return DONE;
      if (lanes().running(assignee)?.id === taskId) await fleet().get(assignee)?.cancel();
      // Between two looks at the lane it is in neither place: then once more.
      else if (OPEN.includes(lanes().find(taskId)?.status ?? '')) return NOT_YET;
      return DONE;
    },
    async deliverResult({ task, to }) {
      if (to.kind === 'workflow') {
        workflows()?.ended(task);
        return DONE;
      }
      if (to.kind === 'agent') {
        if (!config.agents.has(to.agent)) return GONE;
        return accept({
          ...{ id: newId('msg'), traceId: task.traceId, parentId: task.taskId, hops: task.hops },
          ...{ agent: to.agent, sender: task.assignee, askedBy: task.askedBy, mode: 'collect' },
          ...{ text: describeResult(task), idempotencyKey: `result/${task.taskId}`, rule: 'tasks' },
        });
      }
      const { taskId, assignee: from, status, result, refusal, note } = task;
      const words = typeof result === 'string' ? result : JSON.stringify(result);
      const said = status === 'done' ? words : (refusal?.message ?? note);
      return tell(task, {
        type: 'task_returned',
        taskId,
        from,
        status,
        text: said.slice(0, SHOWN_CHARACTERS),
      });
    },
    async attention(attention) {
      const { task, reason, forMs } = attention;
      const { taskId, assignee, origin, traceId, hops, updatedAt } = task;
      const note = describeAttention(attention).slice(0, 4000);
      // Whoever handed it on can do something about it; that nobody takes a result is for people alone.
      if (origin.kind === 'agent' && reason !== 'undeliverable' && config.agents.has(origin.agent))
        await accept({
          ...{ id: newId('msg'), traceId, parentId: taskId, hops, agent: origin.agent, sender: assignee },
          ...{ askedBy: task.askedBy, mode: 'collect', text: note, rule: 'tasks' },
          idempotencyKey: `attention/${taskId}/${reason}/${updatedAt}/${Math.round(Math.log2(forMs + 1))}`,
        });
      return tell(task, { type: 'task_attention', taskId, assignee, reason, forMs, note });
    },
  };
}

function senderOf({ origin }: TaskView): string {
  if (origin.kind === 'agent') return origin.agent;
  return origin.kind === 'workflow' ? `workflow:${origin.run}`.slice(0, 100) : 'operator';
}

const OPEN: readonly string[] = ['queued', 'running'];

const DONE = { ok: true, value: null } as const;

export const RECALLED = {
  code: 'conflict',
  rule: 'tasks.recalled',
  message: 'The task was called off by whoever gave it.',
  remedy: 'Nothing is to be done.',
} as const;

const GONE = {
  ok: false,
  refusal: {
    code: 'not_found',
    rule: 'tasks.origin',
    message: 'The agent that handed this on is no longer in the configuration.',
    remedy: 'The result is with the task: ./openlegion tasks show',
  },
} as const;

const NOT_YET = {
  ok: false,
  refusal: {
    code: 'unavailable',
    rule: 'tasks.recall',
    message: 'The message of the task is just being given out.',
    remedy: 'It is tried again.',
  },
} as const;
