import type { FleetConfig } from './fleet-config.ts';

const MOST_CHANGES = 200;

/**
 * What differs between two configurations, as paths a person knows: `permissions.alice.allowed_domains`,
 * `mesh.budget.daily_usd`. Names only, never a value: they may be prompts.
 */
export function describeChange(before: FleetConfig, after: FleetConfig): string[] {
  const changes = [
    ...differences('mesh', before.mesh, after.mesh),
    ...(before.extraRootsPem === after.extraRootsPem ? [] : ['mesh.egress.extra_roots (its content)']),
  ];
  for (const name of new Set([...before.agents.keys(), ...after.agents.keys()])) {
    const [old, now] = [before.agents.get(name), after.agents.get(name)];
    if (!old || !now) {
      changes.push(`agents.${name} (${now ? 'added' : 'removed'})`);
      continue;
    }
    const { permissions: oldPermissions, permissionsRecord: _old, ...oldSettings } = old;
    const { permissions, permissionsRecord: _now, ...settings } = now;
    changes.push(
      ...differences(`agents.${name}`, oldSettings, settings),
      ...differences(`permissions.${name}`, oldPermissions, permissions),
    );
  }
  return changes.slice(0, MOST_CHANGES);
}

function differences(path: string, before: unknown, after: unknown): string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (!isMap(before) || !isMap(after)) return [path];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  const inside = [...keys].flatMap((key) => differences(`${path}.${key}`, before[key], after[key]));
  return inside.length > 0 ? inside : [`${path} (its order)`];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
