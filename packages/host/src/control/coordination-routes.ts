import { BlackboardGet, BlackboardHistory, BlackboardList } from '@openlegion/contract/blackboard';
import type { ControlCaller, Role } from '@openlegion/contract/control-caller';
import {
  CancelTask,
  type Namespaces,
  OperatorDelete,
  OperatorSet,
  OperatorUndo,
  TaskFilter,
  type TaskPage,
} from '@openlegion/contract/control-coordination';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Blackboard } from '../blackboard/blackboard.ts';
import { FLEET_NAMESPACE, namespaceOf } from '../blackboard/namespace-of.ts';
import type { FleetConfig } from '../config/fleet-config.ts';
import { parseJsonBody } from '../mesh/read-json-body.ts';
import type { Pubsub } from '../pubsub/pubsub.ts';
import type { Routed } from '../router/router.ts';
import { taskRefusals } from '../tasks/refusals.ts';
import type { Tasks } from '../tasks/tasks.ts';
import type { ControlRequest, ControlRoute } from './control-routes.ts';
import { watchStream } from './watch-stream.ts';

const Place = { namespace: OperatorSet.shape.namespace };
const Count = z.coerce.number().int().min(0);
const Limit = Count.min(1).max(500).default(100);
const EntryQuery = BlackboardGet.extend(Place);
const ListQuery = BlackboardList.extend({ ...Place, limit: Limit });
const HistoryQuery = BlackboardHistory.extend({
  ...{ ...Place, limit: Limit, before: Count.positive().optional() },
});
const WatchQuery = z.strictObject({
  ...{ ...Place, prefix: BlackboardList.shape.prefix, after: Count.optional() },
});
const LettersQuery = z.strictObject({ after: Count.default(0), limit: Limit });
const DeliveryId = Count.positive();

/** Shared state, topics and tasks for people. See control-coordination.ts. */
export function coordinationControlRoutes(parts: {
  config: Pick<FleetConfig, 'agents'>;
  blackboard: Blackboard;
  pubsub: Pubsub;
  tasks: Tasks;
  listTasks: (filter: z.output<typeof TaskFilter>) => TaskPage;
  audit: AuditLog;
  stopping: AbortSignal;
}): ControlRoute[] {
  const { config, blackboard, pubsub, tasks, audit, stopping } = parts;

  async function settle(request: ControlRequest, how: 'replay' | 'discard'): Promise<Response> {
    const id = DeliveryId.safeParse(request.parameter('id'));
    granted(await pubsub.settleDeadLetter(id.success ? id.data : 0, how, personName(request.caller)));
    return new Response(null, { status: 204 });
  }

  function taskNamed(id: string) {
    const task = tasks.find(id);
    if (!task) throw new OpenLegionError(taskRefusals.unknown());
    return task;
  }

  return [
    get('/api/namespaces', z.strictObject({}), (): Namespaces => {
      const names = new Set([...config.agents.values()].map((agent) => namespaceOf(agent)));
      return { namespaces: [...names.add(FLEET_NAMESPACE)].sort() };
    }),
    get('/api/blackboard', ListQuery, (query) => blackboard.list(query)),
    get('/api/blackboard/entry', EntryQuery, ({ namespace, key }) => granted(blackboard.get(namespace, key))),
    get('/api/blackboard/history', HistoryQuery, (query) => granted(blackboard.versions(query))),
    route('GET', '/api/blackboard/watch', 'viewer', async (request) => {
      const query = queryOf(request, WatchQuery);
      return watchStream(
        (signal) => granted(blackboard.watch({ ...query, signal })),
        AbortSignal.any([request.signal, stopping]),
      );
    }),
    route('POST', '/api/blackboard/set', 'operator', async (request) => {
      const change = parseJsonBody(await request.body(), OperatorSet);
      return Response.json(granted(await blackboard.change({ ...change, ...writerOf(request.caller) })));
    }),
    route('POST', '/api/blackboard/delete', 'operator', async (request) => {
      const change = parseJsonBody(await request.body(), OperatorDelete);
      return Response.json(granted(await blackboard.change({ ...change, ...writerOf(request.caller) })));
    }),
    route('POST', '/api/blackboard/undo', 'operator', async (request) => {
      const undo = parseJsonBody(await request.body(), OperatorUndo);
      return Response.json(granted(await blackboard.undo({ ...undo, operator: personName(request.caller) })));
    }),
    get('/api/tasks', TaskFilter, parts.listTasks),
    route('GET', '/api/tasks/{id}', 'viewer', async (request) => {
      const task = taskNamed(request.parameter('id'));
      return Response.json({ task, changes: tasks.changes(task.taskId) });
    }),
    route('POST', '/api/tasks/{id}/cancel', 'operator', async (request) => {
      const { note } = parseJsonBody(await request.body(), CancelTask);
      const { taskId, assignee } = taskNamed(request.parameter('id'));
      const actor = personName(request.caller);
      const decided = { decision: 'allowed', rule: 'operator', detail: { task: taskId } } as const;
      await audit.record({ type: 'task.cancelled', actor, subject: assignee, ...decided });
      return Response.json(granted(await tasks.move({ taskId, to: 'cancelled', actor, note })));
    }),
    get('/api/topics', z.strictObject({}), () => ({ subscriptions: pubsub.subscriptions(null) })),
    get('/api/dead-letters', LettersQuery, ({ after, limit }) => pubsub.deadLetters(after, limit)),
    route('POST', '/api/dead-letters/{id}/replay', 'operator', (request) => settle(request, 'replay')),
    route('POST', '/api/dead-letters/{id}/discard', 'operator', (request) => settle(request, 'discard')),
  ];
}

function route(
  method: 'GET' | 'POST',
  path: string,
  permission: Role,
  run: ControlRoute['run'],
): ControlRoute {
  return { method, path, zone: 2.5, permission, run };
}

function get<S extends z.ZodObject>(
  path: string,
  schema: S,
  answer: (query: z.output<S>) => unknown,
): ControlRoute {
  return route('GET', path, 'viewer', async (request) => Response.json(answer(queryOf(request, schema))));
}

/** Of the query those parts that the schema knows, held to it. */
function queryOf<S extends z.ZodObject>(request: ControlRequest, schema: S): z.output<S> {
  const given = Object.keys(schema.shape).flatMap((name) => {
    const value = request.query(name);
    return value === undefined ? [] : [[name, value]];
  });
  const parsed = schema.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new OpenLegionError({
    code: 'bad_request',
    rule: 'control.query',
    message: `The query's "${String(issue?.path[0] ?? '')}" is not as it should be.`,
    remedy: issue?.message ?? 'Correct it.',
  });
}

/** How a person stands in records and as the writer of a version. */
function personName({ name }: ControlCaller): string {
  return name === 'operator' ? name : `operator:${name}`;
}

function writerOf(caller: ControlCaller) {
  return { writer: personName(caller), traceId: '', limited: false };
}

function granted<T>(answer: Routed<T>): T {
  if (!answer.ok) throw new OpenLegionError(answer.refusal);
  return answer.value;
}
