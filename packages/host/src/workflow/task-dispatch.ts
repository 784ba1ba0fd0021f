import type { JsonValue } from '@openlegion/contract/json-value';
import type { Refusal } from '@openlegion/contract/refusal';
import type { TaskView } from '@openlegion/contract/task';
import type { Message } from '../lanes/message.ts';
import type { Pubsub } from '../pubsub/pubsub.ts';
import type { Routed } from '../router/router.ts';
import { originName } from '../tasks/task-row.ts';
import type { Tasks } from '../tasks/tasks.ts';
import { parseBoundedJson } from './bounded-json.ts';
import { describeTask, detailsOf } from './describe-task.ts';
import type { StepDispatch, StepTask, TaskOutcome } from './step-dispatch.ts';

/**
 * Rules of what ends a turn from outside, after the lane has tried three times: one of these may have done part of the
 * work, so nobody knows how far it came.
 */
const CUT_OFF =
  /^(?:fleet\.(?:agent_ended|restart_limit|start|turn|turn_stream)$|lanes\.attempts$|pipe\.|sandbox\.)/;

/** Steps as durable tasks of agents, or as events of a topic. */
export interface TaskDispatch extends StepDispatch {
  /** From the tasks: one with the origin `workflow` has ended. */
  ended(task: TaskView): void;
  /** From the lanes: a message, which may be a task's, is settled. */
  settled(messageId: string): void;
}

export function createTaskDispatch(parts: {
  tasks: Pick<Tasks, 'create' | 'find' | 'findByKey' | 'move'>;
  pubsub: Pick<Pubsub, 'publish'>;
  /** Whom a capability of this workflow's is given to now. */
  choose: (
    workflow: string,
    capability: string,
  ) => { ok: true; agent: string } | { ok: false; refusal: Refusal };
  /** Why an agent takes nothing now; null when it does. */
  closedFor: (agent: string) => Refusal | null;
  namespaceOf: (workflow: string) => string;
  /** The message of a task; null before it is in a lane. */
  messageOf: (taskId: string) => Pick<Message, 'status' | 'chargedMicroUsd'> | null;
  warn: (message: string) => void;
  newId: () => string;
  newEventId: () => string;
}): TaskDispatch {
  const { tasks, pubsub } = parts;
  const waiting = new Map<string, (outcome: TaskOutcome) => void>();

  const originOf = ({ run, step }: Pick<StepTask, 'run' | 'step'>) =>
    ({ kind: 'workflow', run, step }) as const;

  async function publish(task: StepTask, topic: string): Promise<TaskOutcome> {
    const payload = parseBoundedJson(task.input ?? null);
    if (!payload.ok) return { kind: 'failed', message: `the event cannot be published: ${payload.problem}` };
    const published = await pubsub.publish({
      ...{
        id: parts.newEventId(),
        namespace: parts.namespaceOf(task.workflow),
        topic,
        payload: payload.value,
      },
      ...{ publisher: `workflow:${task.workflow}`, traceId: task.traceId, hops: task.hops + 1 },
      idempotencyKey: task.key,
    });
    if (!published.ok) return { kind: 'refused', refusal: published.refusal };
    return {
      kind: 'done',
      result: { event: published.value.eventId, subscribers: published.value.subscribers },
    };
  }

  async function create(task: StepTask): Promise<Routed<TaskView>> {
    const origin = originOf(task);
    // Begun before: joined, whoever would be chosen for it now.
    const earlier = tasks.findByKey(originName(origin), task.key);
    if (earlier) return { ok: true, value: earlier };
    const chosen =
      'capability' in task.to
        ? parts.choose(task.workflow, task.to.capability)
        : { ok: true as const, agent: 'agent' in task.to ? task.to.agent : '' };
    if (!chosen.ok) return chosen;
    const closed = parts.closedFor(chosen.agent);
    if (closed) return { ok: false, refusal: closed };
    return tasks.create({
      ...{ id: parts.newId(), origin, idempotencyKey: task.key, askedBy: null, traceId: task.traceId },
      ...{ parentId: task.parentId, hops: task.hops + 1, assignee: chosen.agent },
      to: 'capability' in task.to ? `capability:${task.to.capability}` : chosen.agent,
      ...{ text: describeTask(task), details: detailsOf(task), rule: `workflow.${task.workflow}` },
    });
  }

  function outcomeOf(task: TaskView): TaskOutcome | null {
    const costMicroUsd = parts.messageOf(task.taskId)?.chargedMicroUsd ?? 0;
    switch (task.status) {
      case 'done':
        return { kind: 'done', result: resultOf(task.result), costMicroUsd };
      case 'cancelled':
        return { kind: 'cancelled', costMicroUsd };
      case 'failed': {
        const { refusal, note } = task;
        const message = refusal?.message ?? (note || 'the agent could not do it');
        const kind = refusal && CUT_OFF.test(refusal.rule) ? 'unknown' : 'failed';
        return { kind, message, costMicroUsd };
      }
      default:
        return null;
    }
  }

  const isAtWork = (taskId: string) => {
    const status = parts.messageOf(taskId)?.status;
    return status === 'queued' || status === 'running';
  };

  function tell(taskId: string): void {
    const resolve = waiting.get(taskId);
    const task = resolve && tasks.find(taskId);
    const outcome = task && outcomeOf(task);
    if (outcome) resolve(outcome);
  }

  return {
    async run(task) {
      if ('topic' in task.to) return publish(task, task.to.topic);
      const created = await create(task);
      if (!created.ok) return { kind: 'refused', refusal: created.refusal };
      const { taskId } = created.value;
      const { promise, resolve } = Promise.withResolvers<TaskOutcome>();
      waiting.set(taskId, resolve);
      // Looked at after `waiting` is set, so that an end in between is not missed.
      const over = outcomeOf(tasks.find(taskId) ?? created.value);
      if (over) resolve(over);
      return promise.finally(() => waiting.delete(taskId));
    },
    cancel(key) {
      const [run = '', step = ''] = key.split('/');
      const actor = originName(originOf({ run, step }));
      const task = tasks.findByKey(actor, key);
      if (!task) return;
      tasks.move({ taskId: task.taskId, to: 'cancelled', actor, note: 'the workflow called it off' }).then(
        // Nobody returns a result to the one who called it off; where its turn goes on, that is waited for.
        () => (isAtWork(task.taskId) ? undefined : tell(task.taskId)),
        (error) => parts.warn(`task ${task.taskId}: ${String(error)}`),
      );
    },
    ended: ({ taskId }) => tell(taskId),
    settled: tell,
  };
}

/** An agent that answers in words may have answered with JSON, also as a block of code; anything else stays text. */
function resultOf(result: JsonValue): JsonValue {
  if (typeof result !== 'string') return result;
  const block = /^\s*```(?:json)?\s*\n([\s\S]*?)\n```\s*$/.exec(result);
  const text = (block?.[1] ?? result).trim();
  if (!/^[[{]/.test(text)) return result;
  try {
    const parsed = parseBoundedJson(JSON.parse(text));
    return parsed.ok ? parsed.value : result;
  } catch {
    return result;
  }
}
