import type { AgentsConfig } from '@openlegion/contract/agents-config';
import type { MeshConfig } from '@openlegion/contract/mesh-config';
import type { PermissionsConfig } from '@openlegion/contract/permissions-config';
import { checkFailover } from '../models/check-failover.ts';
import { checkEgress } from './check-egress.ts';
import type { ConfigProblem } from './config-problem.ts';
import { nearestName } from './nearest-name.ts';
import type { Locate } from './parse-document.ts';

/** A file that its schema has parsed, and where things stand in it. */
export interface File<T> {
  value: T;
  locate: Locate;
}

/** `localhost` is not among them: what it means is up to the resolver. */
export const LOOPBACK_HOSTS: readonly string[] = ['127.0.0.1', '::1', 'localhost'];

/** What no single file's schema can say. `problems` stop a start; `warnings` are shown and live on. */
export function crossCheck(files: {
  mesh: File<MeshConfig>;
  agents: File<AgentsConfig>;
  permissions: File<PermissionsConfig>;
}): { problems: ConfigProblem[]; warnings: ConfigProblem[] } {
  const egress = checkEgress(files);
  return {
    problems: [...meshProblems(files.mesh), ...egress.problems],
    warnings: [
      ...unusedEntries(files.mesh, files.agents.value),
      ...permissionWarnings(files.permissions, Object.keys(files.agents.value.agents)),
      ...egress.warnings,
    ],
  };
}

function meshProblems({ value, locate }: File<MeshConfig>): ConfigProblem[] {
  const file = 'config/mesh.yaml';
  const problems: ConfigProblem[] = [];
  if (!LOOPBACK_HOSTS.includes(value.mesh.host)) {
    problems.push({
      file,
      ...locate(['mesh', 'host']),
      message: `"mesh.host" is ${JSON.stringify(value.mesh.host)}: the control API is never bound to a public address`,
      remedy: 'Write 127.0.0.1, and reach it from elsewhere through an SSH tunnel.',
    });
  }
  if (!isTimeZone(value.budget.timezone)) {
    const near = nearestName(value.budget.timezone, Intl.supportedValuesOf('timeZone'));
    problems.push({
      file,
      ...locate(['budget', 'timezone']),
      message: `unknown time zone ${JSON.stringify(value.budget.timezone.slice(0, 60))}`,
      remedy: near === null ? 'Write a name such as UTC or Europe/Berlin.' : `Did you mean "${near}"?`,
    });
  }
  for (const [id, provider] of Object.entries(value.llm.providers)) {
    if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(id)) {
      problems.push({
        file,
        ...locate(['llm', 'providers', id]),
        message: `"${id.slice(0, 60)}" is not a usable provider name`,
        remedy: 'Use lower-case letters, digits, dots, hyphens and underscores.',
      });
    } else if (
      Object.keys(provider.models).length > 0 &&
      provider.base_url === undefined &&
      provider.dialect
    ) {
      problems.push({
        file,
        ...locate(['llm', 'providers', id]),
        message: `provider "${id}" has a dialect but no base_url`,
        remedy: 'Add base_url, the address before /chat/completions or /messages.',
      });
    }
  }
  for (const { model, index, message, remedy } of checkFailover(value.llm.failover))
    problems.push({ file, ...locate(['llm', 'failover', model, index]), message, remedy });
  return problems;
}

/** Limits and chains that apply to nobody: most likely a misspelt name. */
function unusedEntries({ value, locate }: File<MeshConfig>, { agents }: AgentsConfig): ConfigProblem[] {
  const file = 'config/mesh.yaml';
  const teams = Object.values(agents).flatMap(({ team }) => team ?? []);
  const models = [value.llm.default_model, ...Object.values(agents).flatMap(({ model }) => model ?? [])];
  const unused = (path: string[], what: string, name: string, used: string[], otherwise: string) => {
    if (used.includes(name)) return [];
    const near = nearestName(name, used);
    const remedy = near === null ? otherwise : `Did you mean "${near}"?`;
    return [{ file, ...locate([...path, name]), message: `${what} "${name}"`, remedy }];
  };
  return [
    ...Object.keys(value.teams).flatMap((name) =>
      unused(
        ['teams'],
        'no agent is in the team',
        name,
        teams,
        'Set "team" of its agents in config/agents.yaml.',
      ),
    ),
    ...Object.keys(value.llm.failover).flatMap((name) =>
      unused(
        ['llm', 'failover'],
        'no agent has the model',
        name,
        models,
        'Remove the chain, or give an agent this model.',
      ),
    ),
  ];
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function permissionWarnings({ value, locate }: File<PermissionsConfig>, agents: string[]): ConfigProblem[] {
  const file = 'config/permissions.json';
  const warnings: ConfigProblem[] = [];
  for (const [name, record] of Object.entries(value.permissions)) {
    if (name !== 'default' && !agents.includes(name)) {
      warnings.push({
        file,
        ...locate(['permissions', name]),
        message: `permissions for "${name.slice(0, 60)}", and there is no such agent`,
        remedy: suggestion(name, agents),
      });
    }
    for (const [index, target] of record.can_message.entries()) {
      if (target.includes('*') || agents.includes(target)) continue;
      warnings.push({
        file,
        ...locate(['permissions', name, 'can_message', index]),
        message: `can_message names "${target.slice(0, 60)}", and there is no such agent`,
        remedy: suggestion(target, agents),
      });
    }
  }
  return warnings;
}

function suggestion(name: string, agents: string[]): string {
  const near = nearestName(name, agents);
  return near === null ? 'Remove it, or add the agent to config/agents.yaml.' : `Did you mean "${near}"?`;
}
