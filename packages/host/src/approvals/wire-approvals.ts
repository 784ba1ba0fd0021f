import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { HostGrant } from '../config/config-changes.ts';
import type { FleetConfig } from '../config/fleet-config.ts';
import type { ControlRoute } from '../control/control-routes.ts';
import type { EventLog } from '../delivery/event-log.ts';
import { createNewId } from '../ids.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { MeshRoute } from '../mesh/mesh-routes.ts';
import type { Database } from '../store/database.ts';
import { type Approvals, createApprovals } from './approvals.ts';
import { askRoute } from './ask-route.ts';
import { approvalRoutes } from './control-routes.ts';
import { hostGrantOf } from './egress-approvals.ts';
import { createToolApprovals, type ToolApprovals } from './tool-approvals.ts';

/** What waits for people, of agents and workflows alike. */
export interface ApprovalParts {
  approvals: Approvals;
  tools: ToolApprovals;
  meshRoutes: readonly MeshRoute[];
  controlRoutes: readonly ControlRoute[];
  stop(): void;
}

export function wireApprovals(parts: {
  config: FleetConfig;
  database: Database;
  clock: Clock;
  audit: AuditLog;
  events: EventLog;
  lanes: Pick<Lanes, 'running'>;
  allowHost: (grant: HostGrant) => Promise<void>;
  /** Of the mesh, all of them. */
  routes: () => readonly MeshRoute[];
  warn: (message: string) => void;
}): ApprovalParts {
  const { config, clock, events, lanes, warn } = parts;
  const approvers = () => config.mesh.approvals.approvers;
  const newId = createNewId(() => clock.now());
  const approvals = createApprovals({
    ...{ ...parts, approvers, newId: () => newId('apr') },
    carryOut: (approval, by) => parts.allowHost(hostGrantOf(approval, by)),
  });
  const timeoutMs = () => config.mesh.approvals.timeout;
  const tools = createToolApprovals({
    ...{ approvals, timeoutMs, runningOf: lanes.running, routes: parts.routes, now: () => clock.now() },
  });
  approvals.start();
  // A turn that is over runs nothing any more: what it asked is not left for somebody to approve.
  const stopListening = events.onEvent(({ event, messageId }) => {
    if (event.type !== 'message_settled') return;
    approvals.withdraw({ messageId }).catch((error) => warn(`approvals: ${String(error)}`));
  });
  return {
    approvals,
    tools,
    meshRoutes: [askRoute(tools)],
    controlRoutes: approvalRoutes({ approvals, approvers }),
    stop() {
      stopListening();
      approvals.stop();
    },
  };
}
