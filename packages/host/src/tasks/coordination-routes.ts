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
import { TaskCancel, TaskComplete, TaskUpdate } from '@openlegion/contract/task';
import type { z } from 'zod';
import type { AgentBlackboard } from '../blackboard/agent-blackboard.ts';
import type { AgentSettings, FleetConfig } from '../config/fleet-config.ts';
import { jsonRoute, type MeshRoute, type RouteTool } from '../mesh/mesh-routes.ts';
import type { AgentPubsub } from '../pubsub/agent-pubsub.ts';
import type { Routed } from '../router/router.ts';
import type { AgentTasks, TaskTurn } from './agent-tasks.ts';

const BODY_BYTES = 1024 * 1024;

/** What agents can ask of the blackboard, topics and tasks on their pipes: rows for the table of mesh routes. */
export function coordinationRoutes(parts: {
  config: Pick<FleetConfig, 'agents'>;
  blackboard: AgentBlackboard;
  pubsub: AgentPubsub;
  tasks: AgentTasks;
  /** The turn that an agent is in; null where it is in none. */
  turnOf: (agent: string) => TaskTurn | null;
}): MeshRoute[] {
  const { config, blackboard, pubsub, tasks, turnOf } = parts;
  const traceOf = (agent: AgentSettings) => turnOf(agent.name)?.traceId ?? '';

  async function watch(
    agent: AgentSettings,
    stream: ServerHttp2Stream,
    request: BlackboardWatch,
  ): Promise<undefined> {
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
    post('/mesh/blackboard/get', 'blackboard_read', READ, BlackboardGet, (agent, request) =>
      blackboard.get(agent, request, traceOf(agent)),
    ),
    post('/mesh/blackboard/list', 'blackboard_read', LIST, BlackboardList, async (agent, request) => ({
      ok: true,
      value: blackboard.list(agent, request),
    })),
    post('/mesh/blackboard/history', 'blackboard_read', READ, BlackboardHistory, (agent, request) =>
      blackboard.history(agent, request, traceOf(agent)),
    ),
    post('/mesh/blackboard/set', 'blackboard_write', WRITE, BlackboardSet, (agent, request) =>
      blackboard.set(agent, request, traceOf(agent)),
    ),
    post('/mesh/blackboard/delete', 'blackboard_write', WRITE, BlackboardDelete, (agent, request) =>
      blackboard.delete(agent, request, traceOf(agent)),
    ),
    jsonRoute({
      ...row('/mesh/blackboard/watch', 'blackboard_read', READ, BlackboardWatch),
      run: (agent, { stream }, request) => watch(agent, stream, request),
    }),
    post('/mesh/publish', 'can_publish', PUBLISH, Publish, (agent, request) =>
      pubsub.publish(agent, request, turnOf(agent.name)),
    ),
    post('/mesh/subscribe', 'can_subscribe', { names: ['subscribe_event'] }, Subscribe, pubsub.subscribe),
    post('/mesh/unsubscribe', 'self', UNSUBSCRIBE, Unsubscribe, pubsub.unsubscribe),
    post('/mesh/events', 'can_subscribe', INBOX, TakeEvents, async (agent, request) => ({
      ok: true,
      value: await pubsub.take(agent, request),
    })),
    post('/mesh/events/ack', 'self', INBOX, SettleEvent, pubsub.ack),
    post('/mesh/events/nack', 'self', INBOX, SettleEvent, pubsub.nack),
    post('/mesh/handoff', 'can_message', HAND_OFF, HandoffRequest, (agent, request) =>
      tasks.handOff(agent, request, turnOf(agent.name)),
    ),
    get('/mesh/inbox', tasks.inbox),
    get('/mesh/tasks', tasks.handedOn),
    post('/mesh/tasks/update', 'self', { names: ['update_status'] }, TaskUpdate, tasks.update),
    post('/mesh/tasks/complete', 'self', { names: ['complete_task'] }, TaskComplete, tasks.complete),
    post('/mesh/tasks/cancel', 'self', null, TaskCancel, tasks.cancel),
  ];
}

const READ = { names: ['read_shared_state'] };
const LIST = { names: ['list_shared_state'] };
const WRITE = { names: ['write_shared_state'] };
const PUBLISH = { names: ['publish_event'], arguments: Publish.omit({ idempotencyKey: true }) };
const HAND_OFF = { names: ['hand_off'], arguments: HandoffRequest.omit({ idempotencyKey: true }) };
const UNSUBSCRIBE: RouteTool<Unsubscribe> = {
  names: ['subscribe_event'],
  covers: ({ topic, mode }, { body }) => topic === body.topic && mode === 'off',
};
/** It shows an agent what is its own, in several requests. */
const INBOX: RouteTool = { names: ['check_inbox'], covers: () => true, wholeTurn: true };

function row<S extends z.ZodType>(
  path: string,
  permission: MeshRoute['permission'],
  tool: RouteTool | null,
  schema: S,
) {
  return { method: 'POST', path, zone: 1, permission, tool, schema, maxBytes: BODY_BYTES } as const;
}

function get(path: string, work: (agent: AgentSettings) => unknown): MeshRoute {
  const run = async (agent: AgentSettings) => work(agent);
  return { method: 'GET', path, zone: 1, permission: 'self', tool: INBOX, run };
}

function post<S extends z.ZodType>(
  path: string,
  permission: MeshRoute['permission'],
  tool: RouteTool<z.output<S>> | null,
  schema: S,
  work: (agent: AgentSettings, request: z.output<S>) => Promise<Routed<unknown>>,
): MeshRoute {
  return jsonRoute({
    ...row(path, permission, tool, schema),
    run: async (agent, _, request) => granted(await work(agent, request)) ?? {},
  });
}

function granted<T>(answer: Routed<T>): T {
  if (!answer.ok) throw new OpenLegionError(answer.refusal);
  return answer.value;
}
