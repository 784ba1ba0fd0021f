import type { AuditLog } from '../audit/audit-log.ts';
import { auditRoutes } from '../audit/audit-routes.ts';
import type { Clock } from '../clock.ts';
import type { FleetConfig } from '../config/fleet-config.ts';
import type { EventLog } from '../delivery/event-log.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { permissionRoutes } from '../permissions/permission-routes.ts';
import { recordingRoutes } from '../replay/recording-routes.ts';
import type { Database } from '../store/database.ts';
import { createTraceExport } from '../traces/export-traces.ts';
import { createRetention } from '../traces/retention.ts';
import { createTraceReader } from '../traces/trace-reader.ts';
import { traceRoutes } from '../traces/trace-routes.ts';
import type { KeeperClient } from '../vault/keeper-client.ts';
import type { ControlRoute } from './control-routes.ts';
import type { FindPerson } from './control-token.ts';
import { createPersonTokens } from './person-tokens.ts';
import { createRoleDenials } from './role-denials.ts';
import { tokenRoutes } from './token-routes.ts';

/** What people operate the fleet by: their tokens, permissions and traces. */
export interface Operations {
  findPerson: FindPerson;
  onDenied: ReturnType<typeof createRoleDenials>;
  routes: readonly ControlRoute[];
  stop(): Promise<void>;
}

export function wireOperations(parts: {
  config: FleetConfig;
  readConfig: () => FleetConfig;
  database: Database;
  events: EventLog;
  keeper: KeeperClient;
  fleet: () => Fleet;
  audit: AuditLog;
  clock: Clock;
  version: string;
  warn: (message: string) => void;
}): Operations {
  const { config, audit, clock, keeper } = parts;
  const traces = createTraceReader({
    ...parts,
    readKeeper: async (after, limit) => (await keeper.audit(after, limit)).records,
  });
  const tokens = createPersonTokens({ ...parts, isAgent: (name) => config.agents.has(name) });
  const telemetry = () => config.mesh.telemetry;
  const exporting = createTraceExport({ ...parts, telemetry, traces, fetch: globalThis.fetch });
  const retention = createRetention({ ...parts, telemetry });
  return {
    findPerson: tokens.find,
    onDenied: createRoleDenials(audit, clock),
    stop() {
      tokens.stop();
      retention.stop();
      return exporting.stop();
    },
    routes: [
      ...tokenRoutes(tokens),
      ...permissionRoutes(parts),
      ...traceRoutes(traces),
      ...auditRoutes(parts),
      ...recordingRoutes({ ...parts, traces }),
    ],
  };
}
