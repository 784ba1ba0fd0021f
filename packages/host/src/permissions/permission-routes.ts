import type { PermissionCheck, PermissionsDiff } from '@openlegion/contract/control-permissions';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { AgentSettings, FleetConfig } from '../config/fleet-config.ts';
import { nearestName } from '../config/nearest-name.ts';
import type { ControlRequest, ControlRoute } from '../control/control-routes.ts';
import { checkPermission, PERMISSIONS, type Permission } from './check-permission.ts';
import { permissionsDiff } from './permission-changes.ts';
import { permissionsView } from './permissions-view.ts';

export function permissionRoutes(parts: {
  config: FleetConfig;
  /** Reads the files again. Throws `bad_request` with every problem. */
  readConfig: () => FleetConfig;
}): ControlRoute[] {
  const { config, readConfig } = parts;
  const route = (path: string, run: (request: ControlRequest) => unknown): ControlRoute => ({
    method: 'GET',
    path,
    zone: 2.5,
    permission: 'viewer',
    run: async (request) => Response.json(run(request)),
  });

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
    route('/api/permissions', ({ query }) => {
      const agent = query('agent');
      return permissionsView(
        agent === undefined ? config.agents.values() : [agentNamed(agent)],
        config.mesh.approvals.approvers.length > 0,
      );
    }),
    route(
      '/api/permissions/check',
      ({ query }): PermissionCheck =>
        checkPermission(
          config,
          agentNamed(query('agent') ?? ''),
          permissionNamed(query('permission') ?? ''),
          (query('key') ?? '').slice(0, 2000),
        ),
    ),
    route('/api/permissions/diff', (): PermissionsDiff => permissionsDiff(config, readConfig())),
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
