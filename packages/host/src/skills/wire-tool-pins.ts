import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { ApproveTool, ReportTools } from '@openlegion/contract/tool-pins';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { FleetConfig } from '../config/fleet-config.ts';
import type { ControlRoute } from '../control/control-routes.ts';
import { get, NoQuery, post } from '../control/route.ts';
import { rememberOfAgent } from '../fleet/remember-of-agent.ts';
import type { MeshRoute } from '../mesh/mesh-routes.ts';
import { createRateLimit } from '../mesh/rate-limit.ts';
import { readJsonBody } from '../mesh/read-json-body.ts';
import type { Database } from '../store/database.ts';
import { createToolPins } from './tool-pins.ts';

/** 128 definitions of 24,000 characters, in JSON. */
const REPORT_BYTES = 8 * 1024 * 1024;
/** An honest agent reports what is new, and what waits once a message, for each of its servers. */
const REPORTS = { perSecond: 1, burst: 120 } as const;

/** What agents tell and ask of the tools of their MCP servers, and what people answer. */
export function wireToolPins(parts: {
  config: Pick<FleetConfig, 'agents'>;
  database: Database;
  audit: AuditLog;
  clock: Clock;
}): {
  meshRoutes: MeshRoute[];
  controlRoutes: ControlRoute[];
} {
  const pins = createToolPins(parts);
  const limits = new Map<string, () => boolean>();
  const mayReport = (agent: string): boolean => {
    const limit = limits.get(agent) ?? createRateLimit(REPORTS, () => parts.clock.now());
    rememberOfAgent(limits, parts.config, agent, limit);
    return limit();
  };
  return {
    meshRoutes: [
      {
        method: 'POST',
        path: '/mesh/tool-pins',
        zone: 1,
        permission: 'self',
        tool: null,
        atATime: 2,
        async run(agent, { stream }) {
          if (!mayReport(agent.name)) throw tooOften();
          return pins.report(agent, await readJsonBody(stream, ReportTools, REPORT_BYTES));
        },
      },
    ],
    controlRoutes: [
      get('/api/mcp/tools', NoQuery, () => pins.list()),
      post('/api/mcp/tools/approve', 'approver', ApproveTool, async (tool, { caller }) => {
        await pins.approve(tool, caller.name);
        return {};
      }),
    ],
  };
}

function tooOften(): OpenLegionError {
  return new OpenLegionError({
    code: 'rate_limited',
    rule: 'mcp.reports',
    message: 'The tools of MCP servers were reported too often.',
    remedy: 'They need to be told where they are new; wait a few seconds.',
  });
}
