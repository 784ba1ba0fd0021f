import { BlackboardGet, BlackboardHistory, BlackboardList } from '@openlegion/contract/blackboard';
import type { ControlCaller } from '@openlegion/contract/control-caller';
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
import type { Pubsub } from '../pubsub/pubsub.ts';
import { taskRefusals } from '../tasks/refusals.ts';
import type { Tasks } from '../tasks/tasks.ts';
import type { ControlRequest, ControlRoute } from './control-routes.ts';
import { pulledStream } from './pulled-stream.ts';
import { get, granted, NoQuery, post, queryOf, route } from './route.ts';

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

  const change = (name: string, schema: typeof OperatorSet | typeof OperatorDelete) =>
    post<typeof schema>(`/api/blackboard/${name}`, 'operator', schema, async (wanted, { caller }) => {
      const by = { writer: personName(caller), traceId: '', limited: false };
      return granted(await blackboard.change({ ...wanted, ...by }));
    });

  return [
    get('/api/namespaces', NoQuery, (): Namespaces => {
      const names = new Set([...config.agents.values()].map((agent) => namespaceOf(agent)));
      return { namespaces: [...names.add(FLEET_NAMESPACE)].sort() };
    }),
    get('/api/blackboard', ListQuery, (query) => blackboard.list(query)),
    get('/api/blackboard/entry', EntryQuery, ({ namespace, key }) => granted(blackboard.get(namespace, key))),
    get('/api/blackboard/history', HistoryQuery, (query) => granted(blackboard.versions(query))),
    route('GET', '/api/blackboard/watch', 'viewer', async (request) => {
      const query = queryOf(request, WatchQuery);
      return pulledStream({
        ...{ contentType: 'application/x-ndjson', first: '\n', heartbeat: '\n' },
        items: (signal) => granted(blackboard.watch({ ...query, signal })),
        textOf: (version) => `${JSON.stringify(version)}\n`,
        signal: AbortSignal.any([request.signal, stopping]),
      });
    }),
    change('set', OperatorSet),
    change('delete', OperatorDelete),
    post('/api/blackboard/undo', 'operator', OperatorUndo, async (undo, { caller }) =>
      granted(await blackboard.undo({ ...undo, operator: personName(caller) })),
    ),
    get('/api/tasks', TaskFilter, parts.listTasks),
    get('/api/tasks/{id}', NoQuery, (_, request) => {
      const task = taskNamed(request.parameter('id'));
      return { task, changes: tasks.changes(task.taskId) };
    }),
    post('/api/tasks/{id}/cancel', 'operator', CancelTask, async ({ note }, request) => {
      const { taskId, assignee } = taskNamed(request.parameter('id'));
      const actor = personName(request.caller);
      const decided = { decision: 'allowed', rule: 'operator', detail: { task: taskId } } as const;
      await audit.record({ type: 'task.cancelled', actor, subject: assignee, ...decided });
      return granted(await tasks.move({ taskId, to: 'cancelled', actor, note }));
    }),
    get('/api/topics', NoQuery, () => ({ subscriptions: pubsub.subscriptions(null) })),
    get('/api/dead-letters', LettersQuery, ({ after, limit }) => pubsub.deadLetters(after, limit)),
    route('POST', '/api/dead-letters/{id}/replay', 'operator', (request) => settle(request, 'replay')),
    route('POST', '/api/dead-letters/{id}/discard', 'operator', (request) => settle(request, 'discard')),
  ];
}

/** How a person stands in records and as the writer of a version. */
function personName({ name }: ControlCaller): string {
  return name === 'operator' ? name : `operator:${name}`;
}
