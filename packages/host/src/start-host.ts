import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import type { VerifyReport, VerifyRequest } from '@openlegion/contract/control-api';
import { configPaths, dataPaths, socketPaths } from '@openlegion/contract/installation';
import type { HostSettings } from '@openlegion/contract/process-protocol';
import { wireApprovals } from './approvals/wire-approvals.ts';
import { artifactRoutes } from './artifacts/artifact-routes.ts';
import { createArtifacts } from './artifacts/artifacts.ts';
import { createAuditLog } from './audit/audit-log.ts';
import { type Checkpoints, createCheckpoints } from './audit/checkpoints.ts';
import { createBudgetWarnings } from './budget/budget-warnings.ts';
import { type Clock, isoTime } from './clock.ts';
import { createConfigChanges } from './config/config-changes.ts';
import type { FleetConfig } from './config/fleet-config.ts';
import { createLiveConfig } from './config/live-config.ts';
import { allAnswers } from './control/all-answers.ts';
import { agentsWithBrowser, browserRoutes } from './control/browser-routes.ts';
import { controlRoutes } from './control/control-routes.ts';
import { createControlApp, listenControl } from './control/control-server.ts';
import { createTokenCheck, writeControlToken } from './control/control-token.ts';
import { fleetStatus } from './control/fleet-status.ts';
import { createSteering } from './control/steering.ts';
import { wireOperations } from './control/wire-operations.ts';
import { createEventLog } from './delivery/event-log.ts';
import type { Sandboxes } from './fleet/agent-container.ts';
import { createStartOf } from './fleet/agent-start.ts';
import { createFleet, type Fleet } from './fleet/fleet.ts';
import { createNewId } from './ids.ts';
import type { Outcome } from './lanes/delivery.ts';
import { createLanes, type Lanes } from './lanes/lanes.ts';
import { historyRoute } from './mesh/history-route.ts';
import { createMesh } from './mesh/mesh-handler.ts';
import { notifyRoute } from './mesh/notify-route.ts';
import { agentModelProblems } from './models/agent-model-problems.ts';
import { checkFailoverModels } from './models/check-failover.ts';
import { embeddingModelProblem } from './models/embedding-model.ts';
import type { ConnectPipe } from './pipe/pipe.ts';
import type { RouteDeclaration } from './router/route-declaration.ts';
import { createRouter } from './router/router.ts';
import type { SandboxCapabilities } from './sandbox/sandbox-backend.ts';
import { createGiveSkills } from './skills/give-skills.ts';
import { wireToolPins } from './skills/wire-tool-pins.ts';
import { wireSpawn } from './spawn/wire-spawn.ts';
import { openDatabase } from './store/database.ts';
import { MESH_MIGRATIONS } from './store/mesh-schema.ts';
import { createCoordination } from './tasks/wire-coordination.ts';
import { createGatewayClient } from './vault/gateway-client.ts';
import { createKeeperClient } from './vault/keeper-client.ts';
import { createVaultView } from './vault/vault-view.ts';
import type { VerifyParts } from './verify/create-verify.ts';
import { type Workflows, wireWorkflows } from './workflow/wire-workflows.ts';

export interface HostParts {
  settings: HostSettings;
  config: FleetConfig;
  /** Reads the files again. Throws `bad_request` with every problem. */
  readConfig: () => FleetConfig;
  version: string;
  installation: string;
  clock: Clock;
  connectPipe: ConnectPipe;
  sandboxes: Sandboxes;
  /** Null while the engine is not ready. */
  capabilities: () => Promise<SandboxCapabilities | null>;
  /** Why it is not ready. */
  engineProblem: () => string;
  /** Whether the disk with the installation's data is full. */
  diskIsFull: () => boolean;
  createVerify: (parts: VerifyParts) => (request: VerifyRequest) => Promise<VerifyReport>;
  log: (message: string) => void;
}

export interface Host {
  port: number;
  /** What it answers, on either surface, with what each takes. */
  routes: readonly RouteDeclaration[];
  /** Ends turns (they are taken up again at the next start), agents and connections, in this order; then the store. */
  stop(): Promise<void>;
}

/**
 * The mesh host, from its database to its port. It listens before the engine and the image are ready; messages wait
 * for those. Throws OpenLegionError with a remedy when the store or the port cannot be had; nothing is left open.
 */
export async function startHost(parts: HostParts): Promise<Host> {
  const { settings, clock, log } = parts;
  const config = createLiveConfig(parts.config);
  const paths = dataPaths(settings.home);
  const sockets = socketPaths(settings.run);
  const startedAt = isoTime(clock);
  mkdirSync(paths.directory, { recursive: true, mode: 0o700 });

  const database = openDatabase({ path: paths.meshDatabase, migrations: MESH_MIGRATIONS });
  const stopping = new AbortController();
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => database.close());

  let checkpoints: Checkpoints | undefined;
  const audit = createAuditLog({ database, clock, onRecord: () => checkpoints?.onRecord() });
  const events = createEventLog({ database, clock, warn: log });
  cleanup.defer(() => events.flush());
  await audit.record({
    type: 'host.started',
    actor: 'host',
    subject: 'host',
    detail: { version: parts.version, pid: process.pid },
  });

  const gateway = createGatewayClient({ socketPath: sockets.gateway });
  cleanup.defer(() => gateway.close());
  const keeper = createKeeperClient({
    socketPath: sockets.keeperHost,
    clock,
    onConnect: () => void vault.pushPolicy(),
  });
  cleanup.defer(() => keeper.close());
  const modelProblems = new Map<string, string>();
  const vault = createVaultView({
    config,
    keeper: () => keeper,
    gateway,
    clock,
    warn: log,
    onProviders(providers, missing) {
      for (const id of missing)
        log(`llm.providers.${id} is not in the catalog and has no base_url: it is left out`);
      modelProblems.clear();
      for (const [name, { reason, remedy }] of agentModelProblems(config.agents.values(), providers)) {
        modelProblems.set(name, reason);
        log(`${name}: ${reason}. ${remedy}`);
      }
      for (const { message, remedy } of checkFailoverModels(config.mesh.llm.failover, providers))
        log(`llm.failover: ${message}. ${remedy}`);
      const embedding = embeddingModelProblem(config.mesh.llm.embedding_model, providers);
      if (embedding) log(`${embedding.message}. ${embedding.remedy}`);
    },
  });
  checkpoints = createCheckpoints({
    clock,
    audit: () => audit,
    sign: (seq, hash) => keeper.checkpoint(seq, hash),
    warn: log,
  });
  const signing = checkpoints;
  cleanup.defer(() => signing.stop());
  cleanup.defer(() => vault.stop());
  await vault.start();

  const newId = createNewId(() => clock.now());
  const coordination = createCoordination({
    ...{ database, audit, events, clock, config, newId, warn: log },
    lanes: () => lanes,
    fleet: () => fleet,
    workflows: () => workflows.hooks,
    stopping: stopping.signal,
    deliver: async (delivery) => (await fleet.get(delivery.message.agent)?.deliver(delivery)) ?? AGENT_GONE,
  });
  const lanes: Lanes = createLanes({
    ...{ database, audit, events, clock, warn: log },
    turns: coordination.turns,
    deliver: coordination.deliver,
  });
  const router = createRouter({
    config,
    lanes,
    newId,
    onOperatorMessage(agent) {
      fleet.get(agent)?.forgive();
      lanes.resume(agent);
    },
  });
  const warnings = createBudgetWarnings({ database, events, keeper, clock, warn: log });
  cleanup.defer(() => warnings.stop());
  const approvals = wireApprovals({
    ...{ config, database, clock, audit, events, lanes, warn: log },
    allowHost: (grant) => changes.allowHost(grant),
    routes: () => mesh.routes,
  });
  cleanup.defer(() => approvals.stop());
  const workflows: Workflows = wireWorkflows({
    ...{ home: settings.home, config, database, clock, audit, events, lanes, approvals, coordination },
    ...{ keeper, vault, warn: log },
  });
  const spawn = wireSpawn({
    ...{ database, audit, clock, config, newId, coordination, vault, warn: log },
    ...{ fleet: () => fleet, installation: parts.installation, sandboxes: parts.sandboxes },
  });
  cleanup.defer(() => spawn.spawned.stop());
  const artifacts = createArtifacts({
    ...{ directory: paths.artifacts, database, clock, blackboard: coordination.agentBlackboard },
  });
  const toolPins = wireToolPins({ database, audit, clock });
  const mesh = createMesh({
    moreRoutes: [
      ...coordination.routes,
      ...approvals.meshRoutes,
      ...workflows.meshRoutes,
      ...toolPins.meshRoutes,
      ...spawn.meshRoutes,
      ...artifactRoutes(artifacts, (agent) => lanes.running(agent)?.traceId ?? ''),
      notifyRoute({ events, lanes, clock }),
      historyRoute({ config, audit, fleet: () => fleet }),
    ],
    approval: approvals.tools.refusalOf,
    config,
    lanes,
    gateway,
    keeper,
    vault,
    warnings,
    audit,
    events,
    clock,
    warn: log,
  });
  const fleet: Fleet = createFleet({
    config,
    giveSkills: createGiveSkills({ home: settings.home, config, audit, warn: log }),
    startOf: createStartOf({ home: settings.home, config, keeper, gateway }),
    installation: parts.installation,
    sandboxes: parts.sandboxes,
    connectPipe: parts.connectPipe,
    handlerFor: (name) => mesh.handlerFor(() => config.agents.get(name) ?? null),
    modelCallsInFlight: mesh.modelCallsInFlight,
    diskIsFull: parts.diskIsFull,
    audit,
    events,
    clock,
    warn: log,
  });
  const changes = createConfigChanges({
    ...{ permissionsFile: configPaths(settings.home).permissions, live: config, read: parts.readConfig },
    ...{ audit, vault, fleet, warn: log },
  });
  cleanup.defer(async () => {
    const lanesDone = lanes.stop();
    await Promise.allSettled([...fleet.values()].map((agent) => agent.stop('the host stops.')));
    await lanesDone;
    await audit.record({ type: 'host.stopped', actor: 'host', subject: 'host' });
  });

  const token = writeControlToken(paths.controlToken);
  const operations = wireOperations({
    config,
    readConfig: parts.readConfig,
    database,
    events,
    keeper,
    audit,
    clock,
    fleet: () => fleet,
    version: parts.version,
    warn: log,
  });
  cleanup.defer(() => operations.stop());
  const checkToken = createTokenCheck(token, clock, operations.findPerson);
  let port = 0;
  const verify = parts.createVerify({
    home: settings.home,
    installation: parts.installation,
    sandboxes: parts.sandboxes,
    connectPipe: parts.connectPipe,
    handlerFor: mesh.handlerFor,
    agents: () => [...config.agents.keys()],
    browsers: () => agentsWithBrowser(config),
    audit,
    auditPublicKey: () =>
      existsSync(paths.auditPublicKey) ? readFileSync(paths.auditPublicKey, 'utf8') : null,
    keeper,
    gateway,
    vault,
    now: () => clock.now(),
    port: () => port,
    answers: () => allAnswers(app, token),
    log,
    signal: stopping.signal,
  });
  const routes = controlRoutes({
    router,
    lanes,
    fleet,
    audit,
    events,
    keeper,
    vault,
    clock,
    steering: createSteering({ fleet, lanes }),
    reload: changes.reload,
    stopping: stopping.signal,
    // With its own start in what is signed: what it says of the log is then said of all of it.
    verify: async (request) => {
      await signing.flush();
      return verify(request);
    },
    status: () =>
      fleetStatus({
        attention: coordination.attention,
        config,
        fleet,
        lanes,
        keeper,
        vault,
        clock,
        version: parts.version,
        startedAt,
        capabilities: parts.capabilities,
        engineProblem: parts.engineProblem,
        modelProblem: (agent) => modelProblems.get(agent) ?? null,
      }),
  });
  const controlTable = [
    ...routes,
    ...operations.routes,
    ...approvals.controlRoutes,
    ...coordination.controlRoutes,
    ...workflows.controlRoutes,
    ...toolPins.controlRoutes,
    ...browserRoutes({ config, fleet, audit, clock, stopping: stopping.signal }),
  ];
  const app = createControlApp({
    routes: controlTable,
    checkToken,
    onDenied: operations.onDenied,
    warn: log,
  });
  const listening = await listenControl(app, {
    host: config.mesh.mesh.host,
    port: settings.port ?? config.mesh.mesh.port,
  });
  port = listening.port;
  cleanup.defer(() => {
    stopping.abort();
    return listening.close();
  });
  const resumed = approvals.approvals.resume();
  cleanup.defer(() => resumed);
  await lanes.start();
  await workflows.start();
  cleanup.defer(() => workflows.stop());
  await coordination.start();
  spawn.spawned.start();
  cleanup.defer(() => coordination.stop());

  const held = cleanup.move();
  const served = [...controlTable, ...mesh.routes];
  return { port: listening.port, routes: served, stop: () => held.disposeAsync() };
}

const AGENT_GONE: Outcome = {
  kind: 'ended',
  status: 'failed',
  text: '',
  refusal: {
    code: 'not_found',
    rule: 'router.unknown_agent',
    message: 'The agent that this message waited for is no longer in config/agents.yaml.',
    remedy: 'Send it to another agent.',
  },
};
