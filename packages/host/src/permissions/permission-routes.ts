import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import type { AgentSettings, FleetConfig } from '../config/fleet-config.ts';
import { nearestName } from '../config/nearest-name.ts';
import type { ControlRoute } from '../control/control-routes.ts';
import { get, NoQuery } from '../control/route.ts';
import { checkPermission, PERMISSIONS, type Permission } from './check-permission.ts';
import { permissionsDiff } from './permission-changes.ts';
import { permissionsView } from './permissions-view.ts';

const Name = z.string().default('');
const CheckQuery = z.strictObject({ agent: Name, permission: Name, key: Name });

export function permissionRoutes(parts: {
  config: FleetConfig;
  /** Reads the files again. Throws `bad_request` with every problem. */
  readConfig: () => FleetConfig;
}): ControlRoute[] {
  const { config, readConfig } = parts;

  function agentNamed(name: string): AgentSettings {
    const agent = config.agents.get(name);
    if (agent) return agent;
    const near = nearestName(name, [...config.agents.keys()]);
    throw new OpenLegionError({
      code: 'not_found',
      rule: 'control.not_found',
      message: `There is no agent named ${JSON.stringify(name.slice(0, 63))}.`,
      remedy: near === null ? 'See "./openlegion status" for the names.' : `Did you mean "${near}"?`,
    });
  }

  return [
    get('/api/permissions', z.strictObject({ agent: z.string().optional() }), ({ agent }) =>
      permissionsView(
        agent === undefined ? config.agents.values() : [agentNamed(agent)],
        config.mesh.approvals.approvers.length > 0,
      ),
    ),
    get('/api/permissions/check', CheckQuery, ({ agent, permission, key }) =>
      checkPermission(config, agentNamed(agent), permissionNamed(permission), key.slice(0, 2000)),
    ),
    get('/api/permissions/diff', NoQuery, () => permissionsDiff(config, readConfig())),
  ];
}

function permissionNamed(name: string): Permission {
  const found = PERMISSIONS.find((permission) => permission === name);
  if (found) return found;
  const near = nearestName(name, PERMISSIONS);
  throw new OpenLegionError({
    code: 'bad_request',
    rule: 'control.permission',
    message: `There is no permission named ${JSON.stringify(name.slice(0, 63))}.`,
    remedy: near === null ? `There are: ${PERMISSIONS.join(', ')}.` : `Did you mean "${near}"?`,
  });
}
