import { configPaths, dataPaths } from '@openlegion/contract/installation';
import { wireApprovals } from './approvals/wire-approvals.ts';
import { artifactRoutes } from './artifacts/artifact-routes.ts';
import { createArtifacts } from './artifacts/artifacts.ts';
import { createBudgetWarnings } from './budget/budget-warnings.ts';
import { createConfigChanges } from './config/config-changes.ts';
import { createStartOf } from './fleet/agent-start.ts';
import { createFleet, type Fleet } from './fleet/fleet.ts';
import type { HostParts } from './host-parts.ts';
import { createNewId } from './ids.ts';
import type { Outcome } from './lanes/delivery.ts';
import { createLanes, type Lanes } from './lanes/lanes.ts';
import { historyRoute } from './mesh/history-route.ts';
import { createMesh } from './mesh/mesh-handler.ts';
import { notifyRoute } from './mesh/notify-route.ts';
import type { OpenedHost } from './open-host.ts';
import { createRouter } from './router/router.ts';
import { createGiveSkills } from './skills/give-skills.ts';
import { wireToolPins } from './skills/wire-tool-pins.ts';
import { wireSpawn } from './spawn/wire-spawn.ts';
import { createCoordination } from './tasks/wire-coordination.ts';
import { type Workflows, wireWorkflows } from './workflow/wire-workflows.ts';

export type WiredHost = ReturnType<typeof wireHost>;

/**
 * Puts together what works on messages, from the router to the fleet: nothing of it moves yet. They know one another
 * both ways (a lane delivers to an agent, whose turn hands on to a lane), hence the functions where a value would do.
 */
export function wireHost(
  { installation, sandboxes, connectPipe, diskIsFull, readConfig }: HostParts,
  opened: OpenedHost,
  stopping: AbortSignal,
  cleanup: AsyncDisposableStack,
) {
  const { home, config, database, audit, events, keeper, vault, clock, warn } = opened;
  const newId = createNewId(() => clock.now());
  const coordination = createCoordination({
    ...{ ...opened, newId, stopping },
    lanes: () => lanes,
    fleet: () => fleet,
    workflows: () => workflows.hooks,
    deliver: async (delivery) => (await fleet.get(delivery.message.agent)?.deliver(delivery)) ?? AGENT_GONE,
  });
  const lanes: Lanes = createLanes({
    ...opened,
    turns: coordination.turns,
    deliver: coordination.deliver,
  });
  const router = createRouter({
    ...{ config, lanes, newId },
    onOperatorMessage(agent) {
      fleet.get(agent)?.forgive();
      lanes.resume(agent);
    },
  });
  const warnings = createBudgetWarnings({ database, events, keeper, clock, warn });
  cleanup.defer(() => warnings.stop());
  const approvals = wireApprovals({
    ...{ ...opened, lanes },
    allowHost: (grant) => changes.allowHost(grant),
    routes: () => mesh.routes,
  });
  cleanup.defer(() => approvals.stop());
  const workflows: Workflows = wireWorkflows({ ...opened, lanes, approvals, coordination });
  const spawn = wireSpawn({ ...opened, newId, coordination, fleet: () => fleet, installation, sandboxes });
  cleanup.defer(() => spawn.spawned.stop());
  const artifacts = createArtifacts({
    ...{ directory: dataPaths(home).artifacts, database, clock, blackboard: coordination.agentBlackboard },
  });
  const toolPins = wireToolPins({ config, database, audit, clock });
  const mesh = createMesh({
    ...{ ...opened, lanes, warnings },
    approval: approvals.tools.refusalOf,
    moreRoutes: [
      ...coordination.routes,
      ...approvals.meshRoutes,
      ...workflows.meshRoutes,
      ...toolPins.meshRoutes,
      ...spawn.meshRoutes,
      ...artifactRoutes(artifacts, config, (agent) => lanes.running(agent)?.traceId ?? ''),
      notifyRoute({ config, events, lanes, clock }),
      historyRoute({ config, audit, fleet: () => fleet }),
    ],
  });
  const fleet: Fleet = createFleet({
    ...{ config, installation, sandboxes, connectPipe, diskIsFull, audit, events, clock, warn },
    giveSkills: createGiveSkills({ home, config, audit, warn }),
    startOf: createStartOf(opened),
    handlerFor: (name) => mesh.handlerFor(() => config.agents.get(name) ?? null),
    modelCallsInFlight: mesh.modelCallsInFlight,
  });
  const changes = createConfigChanges({
    ...{ permissionsFile: configPaths(home).permissions, live: config, read: readConfig },
    ...{ audit, vault, fleet, warn },
  });
  cleanup.defer(async () => {
    const lanesDone = lanes.stop();
    await Promise.allSettled([...fleet.values()].map((agent) => agent.stop('the host stops.')));
    await lanesDone;
    await audit.record({ type: 'host.stopped', actor: 'host', subject: 'host' });
  });
  return { router, lanes, fleet, mesh, coordination, approvals, workflows, spawn, toolPins, changes };
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
