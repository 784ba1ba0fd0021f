import type { PermissionCheck } from '@openlegion/contract/control-permissions';
import { AgentPermissions } from '@openlegion/contract/permissions-config';
import type { AgentSettings, FleetConfig } from '../config/fleet-config.ts';
import { matchesPattern } from '../router/match-pattern.ts';
import { normalKey } from '../router/normal-key.ts';
import { isWalledOff } from '../tasks/choose-assignee.ts';
import { PERMISSION_ENFORCEMENT, toolEnforcement } from './enforcement.ts';
import { parseHost, reachesHost } from './reaches-host.ts';
import { toolDecision } from './tool-decision.ts';

export type Permission = keyof AgentPermissions;

export const PERMISSIONS = Object.keys(AgentPermissions.shape) as readonly Permission[];

type Verdict = Pick<PermissionCheck, 'decision' | 'entry' | 'why'> &
  Partial<Pick<PermissionCheck, 'rule' | 'remedy'>>;

/**
 * What would be decided of `agent`, `permission` and `key` now, and by which rule. Decides nothing itself: it asks the
 * same functions that the routes ask, and of what the keeper decides, one that a test holds to the keeper's.
 */
export function checkPermission(
  { agents }: Pick<FleetConfig, 'agents'>,
  agent: AgentSettings,
  permission: Permission,
  key: string,
): PermissionCheck {
  const verdict = verdictOf(agents, agent, permission, key);
  const granted = verdict.decision !== 'denied';
  return {
    agent: agent.name,
    permission,
    key,
    rule: `permissions.${agent.permissionsRecord}.${permission}`,
    remedy: granted ? null : `./openlegion permissions grant ${agent.name} ${permission} ${key}`.trim(),
    ...(permission === 'allowed_tools' ? toolEnforcement(key) : PERMISSION_ENFORCEMENT[permission]),
    ...verdict,
  };
}

function verdictOf(
  agents: FleetConfig['agents'],
  agent: AgentSettings,
  permission: Permission,
  key: string,
): Verdict {
  const granted = agent.permissions[permission];
  if (typeof granted === 'boolean')
    return granted
      ? { decision: 'allowed', entry: 'true', why: `${permission} is true` }
      : { decision: 'denied', entry: null, why: `${permission} is not set` };
  if (!Array.isArray(granted)) {
    const { decision, entry } = toolDecision(granted, key);
    if (entry === null) return { decision: 'denied', entry, why: 'no entry covers this tool' };
    const why = `"${entry}" is set to ${decision}`;
    if (decision === 'ask')
      return { decision, entry, why: `${why}; the ${toolEnforcement(key).askHeldBy} holds to the question` };
    return { decision: decision === 'allow' ? 'allowed' : 'denied', entry, why };
  }
  if (permission === 'allowed_domains') return domainVerdict(granted, key);
  if (normalKey(key) !== key) return OTHER_SPELLING;
  const entry = granted.find((pattern) => matchesPattern(pattern, key)) ?? null;
  if (entry === null) return { decision: 'denied', entry, why: nothingCovers(granted, key) };
  const target = agents.get(key);
  if (permission === 'can_message' && target && isWalledOff(agent, target)) {
    return {
      decision: 'denied',
      entry,
      rule: `teams.${agent.team}`,
      why: `"${entry}" covers it, but ${key} is of the team "${target.team}", and teams are walled off`,
      remedy: 'Hand it to an agent without a team that may message both.',
    };
  }
  return { decision: 'allowed', entry, why: `"${entry}" covers it` };
}

function domainVerdict(granted: readonly string[], key: string): Verdict {
  const place = parseHost(key);
  if (!place)
    return { ...OTHER_SPELLING, why: 'this is not a host, or host:port', remedy: 'Write api.example.com.' };
  const entry = granted.find((pattern) => reachesHost(pattern, place.host, place.port)) ?? null;
  return entry === null
    ? {
        decision: 'denied',
        entry,
        why: `${nothingCovers(granted, key)}; a granted credential may still reach the hosts that it is bound to`,
      }
    : { decision: 'allowed', entry, why: `"${entry}" covers port ${place.port} of it` };
}

/** A pattern of one `*` that would cover the key if it crossed slashes is the mistake most often made. */
function nothingCovers(granted: readonly string[], key: string): string {
  if (granted.length === 0) return 'the list is empty, which grants nothing';
  const near = granted.find((pattern) => matchesPattern(pattern.replace(/\*+/g, '**'), key));
  return near === undefined
    ? `none of its ${granted.length} entries covers it`
    : `"${near}" stays within one segment; "${near.replace(/\*+/g, '**')}" would cover it`;
}

const OTHER_SPELLING: Verdict = {
  decision: 'denied',
  entry: null,
  rule: 'router.key',
  why: 'this is not the one spelling of a key: see "Keys and patterns" in docs/coordination.md',
  remedy: 'Write it without empty segments, invisible characters and compatibility forms.',
};
