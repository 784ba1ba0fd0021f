import { once } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import {
  BlackboardDelete,
  BlackboardGet,
  BlackboardHistory,
  BlackboardList,
  BlackboardSet,
  BlackboardWatch,
} from '@openlegion/contract/blackboard';
import { HandoffRequest } from '@openlegion/contract/mesh-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { Publish, SettleEvent, Subscribe, TakeEvents, Unsubscribe } from '@openlegion/contract/pubsub';
import type { Refusal } from '@openlegion/contract/refusal';
import { TaskCancel, TaskComplete, TaskUpdate } from '@openlegion/contract/task';
import type { z } from 'zod';
import type { AgentBlackboard } from '../blackboard/agent-blackboard.ts';
import type { AgentSettings, FleetConfig } from '../config/fleet-config.ts';
import type { MeshRoute } from '../mesh/mesh-routes.ts';
import { readJsonBody } from '../mesh/read-json-body.ts';
import type { AgentPubsub } from '../pubsub/agent-pubsub.ts';
import type { Routed } from '../router/router.ts';
import type { AgentTasks, TaskTurn } from './agent-tasks.ts';

const BODY_BYTES = 1024 * 1024;

type Permission =
  | 'blackboard_read'
  | 'blackboard_write'
  | 'can_publish'
  | 'can_subscribe'
  | 'can_message'
  | 'self';

export interface CoordinationRoute extends Omit<MeshRoute, 'permission'> {
  permission: Permission;
}

/** What agents can ask of the blackboard, topics and tasks on their pipes: rows for the table of mesh routes. */
export function coordinationRoutes(parts: {
  config: Pick<FleetConfig, 'agents'>;
  blackboard: AgentBlackboard;
  pubsub: AgentPubsub;
  tasks: AgentTasks;
  /** The turn that an agent is in; null where it is in none. */
  turnOf: (agent: string) => TaskTurn | null;
  /** Why this call of a tool that is set to `ask` may not be made: no person approved it. Null where it may. */
  approval: (agent: AgentSettings, tool: string, request: object) => Promise<Refusal | null>;
}): CoordinationRoute[] {
  const { config, blackboard, pubsub, tasks, turnOf } = parts;
  const traceOf = (agent: AgentSettings) => turnOf(agent.name)?.traceId ?? '';

  /** `work`, where no approval is needed for it, or there is one. */
  async function approved(
    agent: AgentSettings,
    tool: string,
    request: object,
    work: () => Promise<Routed<unknown>>,
  ): Promise<Routed<unknown>> {
    const refusal = await parts.approval(agent, tool, request);
    return refusal ? { ok: false, refusal } : work();
  }

  async function watch(agent: AgentSettings, stream: ServerHttp2Stream): Promise<undefined> {
    const request = await readJsonBody(stream, BlackboardWatch, BODY_BYTES);
    const stop = new AbortController();
    stream.once('close', () => stop.abort());
    if (stream.destroyed || stream.closed) return;
    // Between two changes there may be any time.
    stream.setTimeout(0);
    const settings = () => config.agents.get(agent.name) ?? null;
    const changes = granted(blackboard.watch(settings, request, stop.signal));
    stream.respond({ ':status': 200, 'content-type': 'application/x-ndjson' });
    try {
      for await (const change of changes) {
        // At the reader's pace: what it does not take is not read from the database.
        if (!stream.write(`${JSON.stringify(change)}\n`))
          await once(stream, 'drain', { signal: stop.signal });
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    }
    stop.abort();
    stream.end();
  }

  return [
    post('/mesh/blackboard/get', 'blackboard_read', BlackboardGet, (agent, request) =>
      blackboard.get(agent, request, traceOf(agent)),
    ),
    post('/mesh/blackboard/list', 'blackboard_read', BlackboardList, async (agent, request) => ({
      ok: true,
      value: blackboard.list(agent, request),
    })),
    post('/mesh/blackboard/history', 'blackboard_read', BlackboardHistory, (agent, request) =>
      blackboard.history(agent, request, traceOf(agent)),
    ),
    post('/mesh/blackboard/set', 'blackboard_write', BlackboardSet, (agent, request) =>
      approved(agent, 'write_shared_state', request, () => blackboard.set(agent, request, traceOf(agent))),
    ),
    post('/mesh/blackboard/delete', 'blackboard_write', BlackboardDelete, (agent, request) =>
      approved(agent, 'write_shared_state', request, () => blackboard.delete(agent, request, traceOf(agent))),
    ),
    {
      ...row('/mesh/blackboard/watch', 'blackboard_read'),
      run: (agent, { stream }) => watch(agent, stream),
    },
    post('/mesh/publish', 'can_publish', Publish, (agent, request) =>
      approved(agent, 'publish_event', request, () => pubsub.publish(agent, request, turnOf(agent.name))),
    ),
    post('/mesh/subscribe', 'can_subscribe', Subscribe, pubsub.subscribe),
    post('/mesh/unsubscribe', 'self', Unsubscribe, pubsub.unsubscribe),
    post('/mesh/events', 'can_subscribe', TakeEvents, async (agent, request) => ({
      ok: true,
      value: await pubsub.take(agent, request),
    })),
    post('/mesh/events/ack', 'self', SettleEvent, pubsub.ack),
    post('/mesh/events/nack', 'self', SettleEvent, pubsub.nack),
    post('/mesh/handoff', 'can_message', HandoffRequest, (agent, request) =>
      approved(agent, 'hand_off', request, () => tasks.handOff(agent, request, turnOf(agent.name))),
    ),
    { ...row('/mesh/inbox', 'self'), method: 'GET', run: async (agent) => tasks.inbox(agent) },
    { ...row('/mesh/tasks', 'self'), method: 'GET', run: async (agent) => tasks.handedOn(agent) },
    post('/mesh/tasks/update', 'self', TaskUpdate, tasks.update),
    post('/mesh/tasks/complete', 'self', TaskComplete, tasks.complete),
    post('/mesh/tasks/cancel', 'self', TaskCancel, tasks.cancel),
  ];
}

function row(path: string, permission: Permission) {
  return { method: 'POST', path, zone: 1, permission } as const;
}

function post<S extends z.ZodType>(
  path: string,
  permission: Permission,
  schema: S,
  work: (agent: AgentSettings, request: z.output<S>) => Promise<Routed<unknown>>,
): CoordinationRoute {
  return {
    ...row(path, permission),
    run: async (agent, { stream }) =>
      granted(await work(agent, await readJsonBody(stream, schema, BODY_BYTES))) ?? {},
  };
}

function granted<T>(answer: Routed<T>): T {
  if (!answer.ok) throw new OpenLegionError(answer.refusal);
  return answer.value;
}
