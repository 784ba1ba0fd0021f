import type { PermissionChange, PermissionsDiff } from '@openlegion/contract/control-permissions';
import { AgentPermissions } from '@openlegion/contract/permissions-config';
import type { AuditLog } from '../audit/audit-log.ts';
import { describeChange } from '../config/describe-change.ts';
import type { AgentSettings, FleetConfig } from '../config/fleet-config.ts';
import { PERMISSIONS } from './check-permission.ts';
import { entriesOf } from './permissions-view.ts';

const NOTHING = AgentPermissions.parse({});

/** Every entry that an agent gains or loses, whichever record of the file it comes from. */
export function permissionChanges(before: FleetConfig, after: FleetConfig): PermissionChange[] {
  const changes: PermissionChange[] = [];
  for (const agent of namesOf(before, after)) {
    const [old, now] = [before, after].map(({ agents }) => agents.get(agent)?.permissions ?? NOTHING);
    if (!old || !now) continue;
    for (const permission of PERMISSIONS) {
      const [had, has] = [entriesOf(old, permission), entriesOf(now, permission)];
      const only = (list: readonly string[], other: readonly string[], change: PermissionChange['change']) =>
        list.filter((entry) => !other.includes(entry)).map((entry) => ({ agent, permission, change, entry }));
      changes.push(...only(had, has, 'revoked'), ...only(has, had, 'granted'));
    }
  }
  return changes;
}

/** Records each change with who made it, and what let them. What is too much to be a person's edit is counted instead. */
export async function recordPermissionChanges(
  audit: AuditLog,
  made: { actor: string; rule: string; detail: Record<string, string> },
  changes: readonly PermissionChange[],
): Promise<void> {
  const most = 500;
  await Promise.all(
    changes.slice(0, most).map(({ agent, permission, change, entry }, index) =>
      audit.record({
        type: `permission.${change}`,
        actor: made.actor,
        subject: agent,
        decision: 'allowed',
        rule: made.rule,
        detail: {
          ...{ ...made.detail, permission, entry },
          ...(index === most - 1 && changes.length > most ? { unrecorded: changes.length - most } : {}),
        },
      }),
    ),
  );
}

export function permissionsDiff(before: FleetConfig, after: FleetConfig): PermissionsDiff {
  return {
    changes: permissionChanges(before, after),
    meaning: namesOf(before, after).flatMap((name) =>
      meaningOf(name, before.agents.get(name), after.agents.get(name), after),
    ),
    others: describeChange(before, after).filter(
      (path) => !path.startsWith('permissions.') && !/^agents\.[^.]+(?:\.team$| \()/.test(path),
    ),
  };
}

function meaningOf(
  name: string,
  before: AgentSettings | undefined,
  after: AgentSettings | undefined,
  { mesh, agents }: FleetConfig,
): string[] {
  if (!before && after)
    return [`${name} joins${after.team ? ` the team "${after.team}"` : ' without a team'}.`];
  if (before && !after)
    return [`${name} goes: its container is stopped, and messages that wait for it fail. Its volume stays.`];
  if (!before || !after || before.team === after.team) return [];
  const space = ({ team }: AgentSettings) => (team === undefined ? 'the fleet' : `the team "${team}"`);
  const walled = [...agents.values()].filter(
    (other) => other.team !== undefined && after.team !== undefined && other.team !== after.team,
  );
  const cut = walled.filter((other) => after.permissions.can_message.includes(other.name));
  const limits = after.team === undefined ? undefined : mesh.teams[after.team];
  return [
    `${name} leaves the blackboard and topics of ${space(before)} for those of ${space(after)}: what it wrote stays there, and it reads none of it any more.`,
    after.team === undefined
      ? `${name} draws on no team's budget any more.`
      : limits
        ? `${name} draws on the budget of the team "${after.team}".`
        : `${name}: the team "${after.team}" has no budget of its own in config/mesh.yaml.`,
    ...(cut.length > 0
      ? [
          `${name} can hand nothing to ${cut.map((other) => other.name).join(', ')} any more, whatever can_message says: they are of other teams.`,
        ]
      : []),
  ];
}

function namesOf(before: FleetConfig, after: FleetConfig): string[] {
  return [...new Set([...before.agents.keys(), ...after.agents.keys()])];
}
