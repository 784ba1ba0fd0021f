import type { AgentPermissions } from '@openlegion/contract/permissions-config';
import type { Decision } from '@openlegion/contract/refusal';
import type { AgentSettings } from '../config/fleet-config.ts';
import { matchesPattern } from './match-pattern.ts';

/** The lists of permissions.json that hold patterns. */
export type PatternPermission = {
  [Key in keyof AgentPermissions]: AgentPermissions[Key] extends string[] ? Key : never;
}[keyof AgentPermissions];

/** Whether `agent` may use `permission` on `key`. Denied unless a pattern of its record covers the key. */
export function decidePermission(agent: AgentSettings, permission: PatternPermission, key: string): Decision {
  const rule = `permissions.${agent.permissionsRecord}.${permission}`;
  if (agent.permissions[permission].some((pattern) => matchesPattern(pattern, key))) {
    return { allowed: true, rule };
  }
  const shown = key.slice(0, 100);
  return {
    allowed: false,
    refusal: {
      code: 'denied',
      rule,
      message: `${agent.name} is not granted ${permission} for ${JSON.stringify(shown)}.`,
      remedy: `An operator can add it to ${permission} of "${agent.name}" in config/permissions.json.`,
    },
  };
}
