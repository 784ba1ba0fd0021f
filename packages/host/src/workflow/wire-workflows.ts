import { createStepApprovals } from '../approvals/step-approvals.ts';
import type { ApprovalParts } from '../approvals/wire-approvals.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { FLEET_NAMESPACE, namespaceOf } from '../blackboard/namespace-of.ts';
import type { Clock } from '../clock.ts';
import type { AgentSettings, FleetConfig } from '../config/fleet-config.ts';
import type { ControlRoute } from '../control/control-routes.ts';
import type { EventLog } from '../delivery/event-log.ts';
import { createNewId } from '../ids.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { MeshRoute } from '../mesh/mesh-routes.ts';
import { decidePermission } from '../router/decide-permission.ts';
import type { Database, Reader } from '../store/database.ts';
import { taskRefusals } from '../tasks/refusals.ts';
import type { Coordination, WorkflowHooks } from '../tasks/wire-coordination.ts';
import type { KeeperClient } from '../vault/keeper-client.ts';
import type { VaultView } from '../vault/vault-view.ts';
import { workflowRoutes } from './control-routes.ts';
import { createDefinitions } from './definitions.ts';
import { createWorkflowEngine, type WorkflowEngine } from './engine.ts';
import { createHandOffToWorkflow } from './hand-off-to-workflow.ts';
import { createLiveWorkflows } from './live-workflows.ts';
import type { LoadedWorkflow } from './load-workflows.ts';
import { planParts } from './plan-parts.ts';
import { planWorkflow } from './plan-workflow.ts';
import { proposeRoute } from './propose-route.ts';
import { createRunRecorder } from './record-run.ts';
import { returnRun } from './return-run.ts';
import { hasOpenRun, loadRun } from './run-store.ts';
import type { Readers } from './step-dispatch.ts';
import { createTaskDispatch } from './task-dispatch.ts';
import { workflowNamespace } from './workflow-namespace.ts';

/** Workflows as part of the host. */
export interface Workflows {
  engine: WorkflowEngine;
  meshRoutes: readonly MeshRoute[];
  controlRoutes: readonly ControlRoute[];
  hooks: WorkflowHooks;
  /** Reads `config/workflows`, and takes up what was open when the host ended. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function wireWorkflows(parts: {
  home: string;
  config: FleetConfig;
  database: Database;
  clock: Clock;
  audit: AuditLog;
  events: EventLog;
  lanes: Lanes;
  approvals: ApprovalParts;
  coordination: Pick<Coordination, 'tasks' | 'pubsub' | 'blackboard' | 'health' | 'settleTrace'>;
  keeper: Pick<KeeperClient, 'costs'>;
  vault: Pick<VaultView, 'providers'>;
  warn: (message: string) => void;
}): Workflows {
  const { config, database, clock, audit, events, lanes, warn } = parts;
  const { tasks, pubsub, blackboard, health, settleTrace } = parts.coordination;
  const { approvals } = parts.approvals;
  const newId = createNewId(() => clock.now());
  const definitions = createDefinitions({
    database,
    clock,
    onDecision(transaction, { type, hash, name, by }) {
      const decision = type === 'proposed' ? 'none' : 'allowed';
      audit.append(transaction, {
        ...{ type: `workflow.${type}`, actor: by, subject: name, decision, detail: { hash } },
      });
    },
  });
  const directory = `${parts.home}/config/workflows`;
  const live = createLiveWorkflows({ directory, config, definitions, pubsub, warn });
  const namespaceOfNamed = (name: string) => {
    const definition = live.current().get(name)?.definition;
    return definition ? workflowNamespace(definition, config) : FLEET_NAMESPACE;
  };

  /** The agents that a capability of a workflow can mean: the workflow's own team's, or everyone's. */
  function capable(workflow: string, capability: string): AgentSettings[] {
    const namespace = namespaceOfNamed(workflow);
    return [...config.agents.values()].filter(
      (agent) =>
        agent.capabilities.includes(capability) &&
        (namespace === FLEET_NAMESPACE || namespaceOf(agent) === namespace),
    );
  }

  const dispatch = createTaskDispatch({
    tasks,
    pubsub,
    choose(workflow, capability) {
      const [first] = capable(workflow, capability)
        .filter(({ name }) => health.closedFor(name) === null && !health.isStuck(name))
        .map(({ name }) => ({ name, load: health.load(name) }))
        .sort((a, b) => a.load - b.load || (a.name < b.name ? -1 : 1));
      return first
        ? { ok: true, agent: first.name }
        : { ok: false, refusal: taskRefusals.nobodyAble(capability, `workflow.${workflow}`) };
    },
    closedFor: (agent) =>
      config.agents.has(agent) ? health.closedFor(agent) : taskRefusals.noSuchAgent(agent),
    namespaceOf: namespaceOfNamed,
    messageOf: lanes.find,
    warn,
    newId: () => newId('msg'),
    newEventId: () => newId('evt'),
  });

  /** Everyone who may come to be given the value must be granted its key. */
  function readBlackboard({ agents, capability }: Readers, key: string) {
    const named = agents.flatMap((name) => config.agents.get(name) ?? []);
    const readers =
      capability === null
        ? named
        : [...named, ...[...config.agents.values()].filter((one) => one.capabilities.includes(capability))];
    const [first] = readers;
    if (!first) return { found: false } as const;
    for (const reader of readers) {
      const decision = decidePermission(reader, 'blackboard_read', key);
      if (!decision.allowed) return { refusal: decision.refusal };
      if (namespaceOf(reader) !== namespaceOf(first))
        return { refusal: taskRefusals.otherTeam('teams', first.name, reader.name) };
    }
    const read = blackboard.get(namespaceOf(first), key);
    return read.ok ? ({ found: true, value: read.value.value } as const) : ({ found: false } as const);
  }

  const recorder = createRunRecorder({
    audit,
    events,
    onOver(transaction, record) {
      const returned = returnRun(
        {
          ...{ audit, events, clock, lanes, warn, newMessageId: () => newId('msg') },
          agentExists: (name) => config.agents.has(name),
          resultsOf: (run) => resultsOf(transaction, run),
        },
        transaction,
        record,
      );
      const settled = settleTrace(transaction, record.traceId);
      return () => {
        returned();
        settled();
      };
    },
  });

  const engine: WorkflowEngine = createWorkflowEngine({
    ...{ database, clock, random: Math.random, dispatch, definitions, warn },
    approvals: createStepApprovals(approvals, warn),
    readBlackboard,
    onStored: recorder.onStored,
    announce: recorder.announce,
    current: live.current,
    newRunId: () => newId('wfr'),
  });

  const stopListening = events.onEvent(({ event, messageId }) => {
    if (event.type === 'message_settled') dispatch.settled(messageId);
  });

  async function plan(loaded: LoadedWorkflow) {
    const [costs, providers] = await Promise.all([parts.keeper.costs(), parts.vault.providers()]);
    const accepted = (definitions.find(loaded.workflow.hash)?.acceptedBy ?? null) !== null;
    return planWorkflow(loaded, planParts(loaded, config, { costs, providers, accepted }));
  }

  return {
    engine,
    meshRoutes: [proposeRoute({ config, definitions })],
    controlRoutes: workflowRoutes({
      ...{ config, live, definitions, engine, approvals, plan },
      newTraceId: () => newId('trc'),
    }),
    hooks: {
      async event({ subscriber, topic, payload, publisher, traceId, hops, eventId }) {
        const workflow = subscriber.replace(/^workflow:/, '');
        const started = await engine.start({
          ...{ workflow, how: { topic }, payload, startedBy: publisher, traceId, hops, parentId: eventId },
          key: `topic/${eventId}/${workflow}`,
        });
        return started.ok ? { ok: true, value: null } : started;
      },
      ended: dispatch.ended,
      handOff: createHandOffToWorkflow({ engine, live, config, audit }),
      isOpen: hasOpenRun,
    },
    async start() {
      await live.refresh();
      for (const { file, line, column, message, remedy } of live.problems())
        warn(`${file}:${line}:${column}: ${message}. ${remedy} This workflow is left out.`);
      engine.resume();
    },
    stop() {
      stopListening();
      return engine.stop();
    },
  };
}

/** What the last steps of a run came to. */
function resultsOf(transaction: Reader, run: string): Record<string, unknown> {
  const steps = [...(loadRun(transaction, run)?.steps ?? [])];
  return Object.fromEntries(
    steps.map(([id, { status, result }]) => [id, status === 'done' ? result : { status }]),
  );
}
