/*
 * Blackboard, topics and tasks, put together with the lanes: a task is a message of its agent's lane under its own id;
 * its turn's end is its end; its result is a message of whoever handed it on.
 */
import type { CoordinationAttention } from '@openlegion/contract/control-coordination';
import type { HandoffAnswer } from '@openlegion/contract/mesh-api';
import type { TaskView } from '@openlegion/contract/task';
import { approvalRefusals } from '../approvals/refusals.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { type AgentBlackboard, createAgentBlackboard } from '../blackboard/agent-blackboard.ts';
import { type Blackboard, createBlackboard } from '../blackboard/blackboard.ts';
import type { Clock } from '../clock.ts';
import type { FleetConfig } from '../config/fleet-config.ts';
import type { ControlRoute } from '../control/control-routes.ts';
import { coordinationControlRoutes } from '../control/coordination-routes.ts';
import type { EventLog } from '../delivery/event-log.ts';
import { toolSetting } from '../fleet/agent-tools.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { NewId } from '../ids.ts';
import type { Delivery, Outcome, Produced } from '../lanes/delivery.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { Message } from '../lanes/message.ts';
import type { TurnHooks } from '../lanes/settle-message.ts';
import type { MeshRoute } from '../mesh/mesh-routes.ts';
import { createAgentPubsub, createMayReceive } from '../pubsub/agent-pubsub.ts';
import type { Claimed } from '../pubsub/claim-deliveries.ts';
import { createPubsub, type Pubsub } from '../pubsub/pubsub.ts';
import type { Routed } from '../router/router.ts';
import type { Database, Reader, Transaction } from '../store/database.ts';
import { type AgentTasks, createAgentTasks, type TaskTurn } from './agent-tasks.ts';
import type { AgentHealth } from './choose-assignee.ts';
import { coordinationRoutes } from './coordination-routes.ts';
import { describeEvent } from './describe-result.ts';
import { fleetAttention } from './fleet-attention.ts';
import { listTasks } from './list-tasks.ts';
import { taskRefusals } from './refusals.ts';
import { createTaskHooks, RECALLED } from './task-hooks.ts';
import { createTasks, type Tasks } from './tasks.ts';

const COLLECT_MS = 60_000;

/** What workflows do with the ends of their tasks, with the topics that start them and with hand-offs to them. */
export interface WorkflowHooks {
  ended(task: TaskView): void;
  event(delivery: Claimed): Promise<Routed<unknown>>;
  handOff: AgentTasks['handOff'];
  /** Whether a run of this trace goes on. */
  isOpen(reader: Reader, traceId: string): boolean;
}

export interface CoordinationParts {
  database: Database;
  audit: AuditLog;
  events: EventLog;
  clock: Clock;
  config: FleetConfig;
  newId: NewId;
  lanes: () => Lanes;
  fleet: () => Fleet;
  /** Null while there are none. */
  workflows: () => WorkflowHooks | null;
  /** Aborts when the host stops. */
  stopping: AbortSignal;
  /** To an agent that is there. */
  deliver: (delivery: Delivery) => Promise<Outcome>;
  warn: (message: string) => void;
}

export interface Coordination {
  blackboard: Blackboard;
  agentBlackboard: AgentBlackboard;
  pubsub: Pubsub;
  tasks: Tasks;
  /** For the lanes. */
  turns: TurnHooks;
  routes: MeshRoute[];
  controlRoutes: ControlRoute[];
  /** What somebody should look at. */
  attention(): CoordinationAttention;
  turnOf(agent: string): TaskTurn | null;
  health: AgentHealth;
  /** Something that a trace may have waited for is over, in this transaction: returns what to do after its commit. */
  settleTrace(transaction: Transaction, traceId: string): () => void;
  /** Gives a message to its agent, as a task where it is one, and writes what its turn promotes. */
  deliver(delivery: Delivery): Promise<Outcome>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createCoordination(parts: CoordinationParts): Coordination {
  const { database, audit, events, clock, config, newId, lanes, fleet, workflows, warn } = parts;
  const store = { database, audit, clock };
  const blackboard = createBlackboard(store);
  const agentBlackboard = createAgentBlackboard({ blackboard, audit });
  let collecting = Promise.resolve();
  let cancelCollect: (() => void) | undefined;
  let stopped = false;
  let stopListening: (() => void) | undefined;

  const pubsub = createPubsub({
    ...{ ...store, warn, mayReceive: createMayReceive(config), onDelivered: settleTrace },
    hooks: {
      async wake(delivery) {
        const { traceId, hops, subscriber: agent, publisher: sender } = delivery;
        const accepted = await lanes().accept({
          ...{ id: newId('msg'), traceId, parentId: null, hops, agent, sender, mode: 'collect' },
          ...{
            text: describeEvent(delivery),
            idempotencyKey: `event/${delivery.deliveryId}`,
            rule: 'pubsub',
          },
        });
        return accepted.accepted ? { ok: true, value: null } : { ok: false, refusal: accepted.refusal };
      },
      workflow: (delivery) => workflows()?.event(delivery) ?? NO_WORKFLOWS,
    },
  });
  const tasks: Tasks = createTasks({
    ...{ ...store, warn, onErrandEnded: settleTrace, hooks: createTaskHooks(parts) },
    onCreated(transaction, { origin, parentId, traceId, taskId, assignee: to }) {
      if (origin.kind !== 'agent') return () => {};
      const about = { agent: origin.agent, messageId: parentId ?? '', traceId };
      const event = events.store(transaction, { ...about, event: { type: 'handoff', to, taskId } });
      return () => events.announce(event);
    },
  });

  function isOpen(reader: Transaction, traceId: string): boolean {
    return (
      tasks.isOpen(reader, traceId) ||
      pubsub.isOpen(reader, traceId) ||
      workflows()?.isOpen(reader, traceId) === true
    );
  }

  function settleTrace(transaction: Transaction, traceId: string): () => void {
    const open = transaction.get(
      "SELECT 1 FROM message WHERE trace_id = ? AND status IN ('queued', 'running') LIMIT 1",
      traceId,
    );
    const last = transaction.get(
      'SELECT * FROM message WHERE trace_id = ? ORDER BY ordinal DESC LIMIT 1',
      traceId,
    );
    if (open || !last || isOpen(transaction, traceId)) return () => {};
    const told = transaction.get(
      'SELECT event FROM event WHERE trace_id = ? ORDER BY seq DESC LIMIT 1',
      traceId,
    );
    if (told?.event === JSON.stringify(SETTLED)) return () => {};
    const event = events.store(transaction, {
      ...{ agent: String(last.agent), messageId: String(last.id), traceId },
      event: SETTLED,
    });
    return () => events.announce(event);
  }

  function turnOf(agent: string): TaskTurn | null {
    const running = lanes().running(agent);
    if (!running) return null;
    const { id: messageId, traceId, hops, askedBy } = running;
    return { messageId, traceId, hops, askedBy };
  }

  const health: AgentHealth = {
    closedFor: (agent) => fleet().get(agent)?.failure() ?? null,
    isStuck: tasks.isStuck,
    load: (agent) => lanes().queued(agent) + (lanes().running(agent) ? 1 : 0),
  };
  const agentTasks = createAgentTasks({ tasks, config, audit, health, newId: () => newId('msg') });

  /** A refusal is told on the trace, as all that happens in a turn; a task is, with its creation. */
  async function handOff(
    ...[agent, request, turn]: Parameters<AgentTasks['handOff']>
  ): Promise<Routed<HandoffAnswer>> {
    const toWorkflow = request.to.startsWith('workflow:') ? workflows() : null;
    const handed = await (toWorkflow ?? agentTasks).handOff(agent, request, turn);
    if (!turn) return handed;
    const about = { agent: agent.name, messageId: turn.messageId, traceId: turn.traceId };
    if (!handed.ok) await events.record({ ...about, event: { type: 'refused', refusal: handed.refusal } });
    else if (toWorkflow) await events.record({ ...about, event: { type: 'handoff', ...handed.value } });
    return handed;
  }

  /** What a turn says is worth sharing, under the agent's own grants. */
  function promote(transaction: Transaction, message: Message, { promotions }: Produced): void {
    const { agent, id: messageId, traceId } = message;
    const settings = config.agents.get(agent);
    if (!settings) return;
    // What a person is asked about before each write is not to be had by the way of a result.
    const asks = toolSetting(settings.permissions, 'write_shared_state') === 'ask';
    for (const { key, value } of promotions) {
      const written = asks
        ? { ok: false as const, refusal: approvalRefusals.required('write_shared_state') }
        : agentBlackboard.setWithin(transaction, settings, { key, value }, traceId);
      if (written.ok) continue;
      const refused = { type: 'refused', refusal: written.refusal } as const;
      const event = events.store(transaction, { agent, messageId, traceId, event: refused });
      setImmediate(() => events.announce(event));
    }
  }

  async function collect(): Promise<void> {
    for (const part of [blackboard, pubsub])
      if (!stopped) await part.collect().catch((error) => warn(`collecting what is over: ${String(error)}`));
    if (!stopped) cancelCollect = clock.after(COLLECT_MS, collectAgain);
  }

  function collectAgain(): void {
    collecting = collect();
  }

  return {
    ...{ blackboard, agentBlackboard, pubsub, tasks, turnOf, health, settleTrace },
    turns: {
      begun: (transaction, { id }) => tasks.startTurn(transaction, id),
      ended(transaction, message, produced) {
        const { id: taskId, status, reply, refusal } = message;
        if (status === 'queued' || status === 'running') return;
        // With the end of the turn, so that they are written once, and whoever is given the result finds them there.
        if (status === 'done' && produced) promote(transaction, message, produced);
        tasks.settleTurn(transaction, { taskId, status, reply, refusal, result: produced?.result ?? null });
        setImmediate(tasks.kick);
      },
      isOpen,
    },
    routes: coordinationRoutes({
      ...{ config, turnOf, blackboard: agentBlackboard, tasks: { ...agentTasks, handOff } },
      pubsub: createAgentPubsub({ pubsub, audit, newId: () => newId('evt') }),
    }),
    controlRoutes: coordinationControlRoutes({
      ...{ config, blackboard, pubsub, tasks, audit, stopping: parts.stopping },
      listTasks: (filter) => listTasks(database, filter),
    }),
    attention: () => fleetAttention(database, tasks, clock.now()),
    async deliver(delivery) {
      const { id, agent } = delivery.message;
      const task = tasks.find(id);
      // Called off between the lane and here. One that its agent has ended itself goes on to the end of its turn.
      if (task?.status === 'cancelled' || task?.refusal?.rule === taskRefusals.timedOut().rule)
        return { kind: 'ended', status: 'cancelled', text: '', refusal: RECALLED };
      tasks.progress(agent);
      const outcome = await parts.deliver({ ...delivery, task: tasks.detailsOf(id) });
      tasks.progress(agent);
      return outcome;
    },
    async start() {
      // A loop that moves says so: liveness is this, not that a process is there.
      stopListening = events.onEvent(({ agent, event }) => {
        if (event.type === 'turn' || event.type === 'model_charged') tasks.progress(agent);
      });
      await pubsub.start();
      tasks.start();
      collectAgain();
    },
    async stop() {
      stopListening?.();
      stopped = true;
      cancelCollect?.();
      await Promise.all([pubsub.stop(), tasks.stop(), collecting]);
    },
  };
}

const SETTLED = { type: 'trace_settled' } as const;

const NO_WORKFLOWS = Promise.resolve({
  ok: false,
  refusal: {
    code: 'unavailable',
    rule: 'workflow.none',
    message: 'No workflow can be started now.',
    remedy: 'Look at: ./openlegion workflow list',
  },
} as const);
