import { readFileSync } from 'node:fs';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { configPaths } from '@openlegion/contract/installation';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import { AgentPermissions, PermissionsConfig } from '@openlegion/contract/permissions-config';
import type { z } from 'zod';
import type { ConfigProblem } from './config-problem.ts';
import { crossCheck } from './cross-check.ts';
import type { AgentSettings, FleetConfig } from './fleet-config.ts';
import { type Parsed, parseDocumentAs } from './parse-document.ts';
import { readExtraRoots } from './read-extra-roots.ts';

export type LoadedConfig =
  | { ok: true; config: FleetConfig; warnings: ConfigProblem[] }
  | { ok: false; problems: ConfigProblem[] };

/** Reads the three files of `{home}/config`. Problems of all of them are reported together; nothing is guessed. */
export function loadConfig(home: string): LoadedConfig {
  const paths = configPaths(home);
  const mesh = readAs(MeshConfig, paths.mesh, 'config/mesh.yaml');
  const agents = readAs(AgentsConfig, paths.agents, 'config/agents.yaml');
  const permissions = readAs(PermissionsConfig, paths.permissions, 'config/permissions.json');
  if (!mesh.ok || !agents.ok || !permissions.ok) {
    return {
      ok: false,
      problems: [mesh, agents, permissions].flatMap((file) => (file.ok ? [] : file.problems)),
    };
  }
  const { problems, warnings } = crossCheck({ mesh, agents, permissions });
  const roots = readExtraRoots(mesh, paths.directory);
  problems.push(...roots.problems);
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    config: {
      mesh: mesh.value,
      agents: settingsOf(mesh.value, agents.value, permissions.value),
      extraRootsPem: roots.pem,
    },
    warnings,
  };
}

function readAs<S extends z.ZodType>(schema: S, path: string, file: string): Parsed<z.output<S>> {
  try {
    return parseDocumentAs(schema, { file, text: readFileSync(path, 'utf8'), json: path.endsWith('.json') });
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const message = missing ? 'the file is missing' : 'the file cannot be read';
    const remedy = missing
      ? 'Run "./openlegion start": the first run writes the configuration.'
      : 'Check its owner and permissions.';
    return { ok: false, problems: [{ file, line: 1, column: 1, message, remedy }] };
  }
}

/** Each agent with what applies to it: model and failover chain, and its permissions, `default`, or none. */
export function settingsOf(
  mesh: MeshConfig,
  { agents }: AgentsConfig,
  { permissions }: PermissionsConfig,
): Map<string, AgentSettings> {
  const records = new Map(Object.entries(permissions));
  const nothing = AgentPermissions.parse({});
  const failover = new Map(Object.entries(mesh.llm.failover));
  return new Map(
    Object.entries(agents).map(([name, agent]) => {
      const model = agent.model ?? mesh.llm.default_model;
      const own = records.get(name);
      return [
        name,
        {
          ...agent,
          name,
          model,
          models: [...new Set([model, ...(failover.get(model) ?? [])])],
          permissions: own ?? records.get('default') ?? nothing,
          permissionsRecord: own ? name : 'default',
        },
      ];
    }),
  );
}
