import type { HandoffAnswer, HandoffRequest } from '@openlegion/contract/mesh-api';
import type { Refusal } from '@openlegion/contract/refusal';
import type { AuditLog } from '../audit/audit-log.ts';
import { FLEET_NAMESPACE, namespaceOf } from '../blackboard/namespace-of.ts';
import type { AgentSettings, FleetConfig } from '../config/fleet-config.ts';
import { decidePermission } from '../router/decide-permission.ts';
import type { Routed } from '../router/router.ts';
import type { TaskTurn } from '../tasks/agent-tasks.ts';
import { TASK_LIMITS } from '../tasks/task-limits.ts';
import { parseBoundedJson } from './bounded-json.ts';
import type { WorkflowEngine } from './engine.ts';
import type { LiveWorkflows } from './live-workflows.ts';
import { workflowNamespace } from './workflow-namespace.ts';

const TO_WORKFLOW = 'workflow:';

/**
 * A hand-off to `workflow:NAME` starts a workflow whose trigger is `handoff`, with the task as its payload (as JSON
 * where it is that). The agent must be granted `can_message` for `workflow:NAME`, and be of the workflow's team.
 */
export function createHandOffToWorkflow(parts: {
  engine: WorkflowEngine;
  live: LiveWorkflows;
  config: Pick<FleetConfig, 'agents'>;
  audit: AuditLog;
}) {
  const { engine, live, config, audit } = parts;

  async function start(
    agent: AgentSettings,
    { to, task, idempotencyKey }: HandoffRequest,
    turn: TaskTurn | null,
  ): Promise<Routed<HandoffAnswer>> {
    const decision = decidePermission(agent, 'can_message', to);
    if (!decision.allowed) return { ok: false, refusal: decision.refusal };
    if (!turn) return { ok: false, refusal: NO_TURN };
    if (turn.hops + 1 > TASK_LIMITS.hops) return { ok: false, refusal: HOPS };
    const name = to.slice(TO_WORKFLOW.length);
    const definition = live.current().get(name)?.definition;
    const namespace = definition ? workflowNamespace(definition, config) : namespaceOf(agent);
    if (namespace !== FLEET_NAMESPACE && agent.team !== undefined && namespace !== namespaceOf(agent))
      return { ok: false, refusal: OTHER_TEAM };
    const started = await engine.start({
      ...{ workflow: name, how: 'handoff', payload: payloadOf(task), startedBy: agent.name },
      ...{ traceId: turn.traceId, hops: turn.hops + 1, parentId: turn.messageId },
      // Bound to the turn, as a task's is.
      key: `handoff/${agent.name}/${turn.messageId}/${to}/${idempotencyKey}`,
    });
    if (!started.ok) return started;
    return { ok: true, value: { taskId: started.record.id, to } };
  }

  return async (...[agent, request, turn]: Parameters<typeof start>): Promise<Routed<HandoffAnswer>> => {
    const started = await start(agent, request, turn);
    if (started.ok) return started;
    await audit.record({
      ...{ type: 'permission.denied', actor: agent.name, subject: request.to, decision: 'denied' },
      ...{ rule: started.refusal.rule, traceId: turn?.traceId ?? '' },
    });
    return started;
  };
}

function payloadOf(task: string): unknown {
  if (!/^\s*[[{]/.test(task)) return task;
  try {
    const parsed = parseBoundedJson(JSON.parse(task));
    return parsed.ok ? parsed.value : task;
  } catch {
    return task;
  }
}

const NO_TURN: Refusal = {
  code: 'conflict',
  rule: 'tasks.no_turn',
  message: 'A task can be handed on only in a turn, and none is running.',
  remedy: 'Hand on while answering a message.',
};

const HOPS: Refusal = {
  code: 'denied',
  rule: 'tasks.hop_limit',
  message: `This work has been handed on ${TASK_LIMITS.hops} times already.`,
  remedy: 'Look for a circle of hand-offs in the trace, and have one of the agents finish the task.',
};

const OTHER_TEAM: Refusal = {
  code: 'denied',
  rule: 'teams',
  message: 'This workflow is another team’s.',
  remedy: 'Hand the task to an agent of your own team.',
};
