import type { HandoffAnswer, HandoffRequest } from '@openlegion/contract/mesh-api';
import type { Refusal } from '@openlegion/contract/refusal';
import type {
  Asker,
  TaskCancel,
  TaskComplete,
  TaskList,
  TaskUpdate,
  TaskView,
} from '@openlegion/contract/task';
import type { AuditLog } from '../audit/audit-log.ts';
import type { AgentSettings, FleetConfig } from '../config/fleet-config.ts';
import type { Turn } from '../pubsub/agent-pubsub.ts';
import type { Routed } from '../router/router.ts';
import { type AgentHealth, chooseAssignee } from './choose-assignee.ts';
import type { TaskMove } from './move-task.ts';
import { taskRefusals } from './refusals.ts';
import type { Tasks } from './tasks.ts';

/** The turn that an agent is in, and who asked for what led to it. */
export interface TaskTurn extends Turn {
  askedBy: Asker | null;
}

/** Tasks as an agent has them: what it was given, and what it handed on. Of all others it learns nothing. */
export interface AgentTasks {
  handOff(
    agent: AgentSettings,
    request: HandoffRequest,
    turn: TaskTurn | null,
  ): Promise<Routed<HandoffAnswer>>;
  inbox(agent: AgentSettings): TaskList;
  handedOn(agent: AgentSettings): TaskList;
  /** By the agent that it was given to. */
  update(agent: AgentSettings, request: TaskUpdate): Promise<Routed<TaskView>>;
  complete(agent: AgentSettings, request: TaskComplete): Promise<Routed<TaskView>>;
  /** By the agent that handed it on. */
  cancel(agent: AgentSettings, request: TaskCancel): Promise<Routed<TaskView>>;
}

const LISTED = 50;

export function createAgentTasks(parts: {
  tasks: Tasks;
  config: Pick<FleetConfig, 'agents'>;
  health: AgentHealth;
  audit: AuditLog;
  newId: () => string;
}): AgentTasks {
  const { tasks, config, health, audit, newId } = parts;

  async function refuse<T>(agent: string, to: string, refusal: Refusal, traceId: string): Promise<Routed<T>> {
    await audit.record({
      type: 'permission.denied',
      actor: agent,
      subject: to,
      decision: 'denied',
      rule: refusal.rule,
      traceId,
      // For the hop limit: how the work came to go round.
      detail: { why: refusal.message.slice(0, 2000) },
    });
    return { ok: false, refusal };
  }

  async function moveOwn(
    agent: AgentSettings,
    as: 'assignee' | 'origin',
    move: Omit<TaskMove, 'actor'>,
  ): Promise<Routed<TaskView>> {
    const task = tasks.find(move.taskId);
    const own =
      as === 'assignee'
        ? task?.assignee === agent.name
        : task?.origin.kind === 'agent' && task.origin.agent === agent.name;
    if (!own) return { ok: false, refusal: taskRefusals.unknown() };
    return tasks.move({ ...move, actor: agent.name });
  }

  return {
    async handOff(agent, { to, task, idempotencyKey }, turn) {
      const found = chooseAssignee(agent, to, config, health);
      if (!found.ok) return refuse(agent.name, to, found.refusal, turn?.traceId ?? '');
      if (!turn) return refuse(agent.name, to, taskRefusals.noTurn(), '');
      const created = await tasks.create({
        id: newId(),
        origin: { kind: 'agent', agent: agent.name },
        // Bound to the turn, so that a turn given again repeats its tasks, and a later turn makes new ones.
        idempotencyKey: `${turn.messageId}/${to}/${idempotencyKey}`,
        askedBy: turn.askedBy,
        traceId: turn.traceId,
        parentId: turn.messageId,
        hops: turn.hops + 1,
        assignee: found.agent,
        to,
        text: task,
        rule: found.rule,
      });
      if (!created.ok) return refuse(agent.name, to, created.refusal, turn.traceId);
      return { ok: true, value: { taskId: created.value.taskId, to: created.value.assignee } };
    },
    inbox: ({ name }) => tasks.given(name, LISTED),
    handedOn: ({ name }) => tasks.handedOn(name, LISTED),
    update: (agent, { taskId, status, note }) =>
      moveOwn(agent, 'assignee', {
        ...{ taskId, to: status, note },
        refusal: status === 'failed' ? failedBy(agent.name, note) : null,
      }),
    complete: (agent, { taskId, result }) => moveOwn(agent, 'assignee', { taskId, to: 'done', result }),
    cancel: (agent, { taskId, note }) => moveOwn(agent, 'origin', { taskId, to: 'cancelled', note }),
  };
}

function failedBy(agent: string, note: string): Refusal {
  return {
    code: 'upstream_failed',
    rule: 'tasks.assignee',
    message: note === '' ? `${agent} says that it could not do the task.` : note,
    remedy: 'Change the task, or hand it to another agent.',
  };
}
