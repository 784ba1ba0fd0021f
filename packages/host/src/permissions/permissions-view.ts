import type { PermissionsView } from '@openlegion/contract/control-permissions';
import type { AgentPermissions } from '@openlegion/contract/permissions-config';
import type { AgentSettings } from '../config/fleet-config.ts';
import { AGENT_TOOLS, grantedTools } from '../fleet/agent-tools.ts';
import { PERMISSIONS } from './check-permission.ts';
import { PERMISSION_ENFORCEMENT, toolEnforcement } from './enforcement.ts';
import { toolDecision } from './tool-decision.ts';

/** What each agent may do, and who holds to it. */
export function permissionsView(agents: Iterable<AgentSettings>, hasApprover: boolean): PermissionsView {
  return {
    agents: [...agents].map(({ name, permissionsRecord, team, permissions }) => ({
      name,
      record: permissionsRecord,
      team: team ?? null,
      grants: PERMISSIONS.map((permission) => ({
        permission,
        granted: entriesOf(permissions, permission),
        ...PERMISSION_ENFORCEMENT[permission],
      })),
      tools: AGENT_TOOLS.map((tool) => ({
        tool,
        decision: toolDecision(permissions.allowed_tools, tool).decision,
        offered: grantedTools(permissions, hasApprover).includes(tool),
        ...toolEnforcement(tool),
      })),
    })),
  };
}

/** A field's grants as texts: patterns, `exec: ask`, or `true`. */
export function entriesOf(permissions: AgentPermissions, permission: keyof AgentPermissions): string[] {
  const granted = permissions[permission];
  if (typeof granted === 'boolean') return granted ? ['true'] : [];
  if (Array.isArray(granted)) return granted;
  return Object.entries(granted).map(([tool, decision]) => `${tool}: ${decision}`);
}
