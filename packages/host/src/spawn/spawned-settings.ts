import { AgentConfig } from '@openlegion/contract/agents-config';
import type { SpawnAgent } from '@openlegion/contract/mesh-api';
import { AgentPermissions } from '@openlegion/contract/permissions-config';
import type { AgentSettings } from '../config/fleet-config.ts';
import { toolSetting } from '../fleet/agent-tools.ts';

/** What may be asked for a spawned agent, in the words of the request. */
export type SpawnGrants = Pick<SpawnAgent, 'role' | 'instructions' | 'tools' | 'domains' | 'credentials'>;

/**
 * A spawned agent as its parent's settings are now: whatever the parent loses, it loses. It has the parent's model,
 * budget, team and confinement, and of the parent's grants those that were asked for: tools by name, domains and
 * credentials by the very entry that the parent has. It may message its parent, and no one else.
 */
export function spawnedSettings(parent: AgentSettings, name: string, asked: SpawnGrants): AgentSettings {
  const { permissions } = parent;
  const tools = asked.tools.flatMap((tool) => {
    const setting = toolSetting(permissions, tool);
    return setting === 'deny' ? [] : [[tool, setting] as const];
  });
  const names = tools.map(([tool]) => tool);
  const apis = ['llm', ...(names.includes('web_search') ? ['web_search'] : [])];
  return {
    ...AgentConfig.parse({}),
    name,
    role: asked.role,
    model: parent.model,
    models: parent.models,
    system_prompt: asked.instructions,
    thinking: parent.thinking,
    resources: parent.resources,
    budget: parent.budget,
    ...(parent.team === undefined ? {} : { team: parent.team }),
    parent: parent.name,
    permissionsRecord: `${parent.permissionsRecord} (spawned)`,
    permissions: AgentPermissions.parse({
      can_message: [parent.name],
      allowed_apis: apis.filter((api) => permissions.allowed_apis.includes(api)),
      allowed_tools: Object.fromEntries(tools),
      allowed_domains: asked.domains.filter((domain) => permissions.allowed_domains.includes(domain)),
      allowed_credentials: asked.credentials.filter((one) => permissions.allowed_credentials.includes(one)),
      can_spawn: permissions.can_spawn && names.includes('spawn_agent'),
    }),
  };
}

/** What was asked for that the parent has not itself, in words; empty when it has all. */
export function notGranted(parent: AgentSettings, asked: SpawnGrants): string[] {
  const { permissions } = parent;
  return [
    ...asked.tools
      .filter((tool) => toolSetting(permissions, tool) === 'deny')
      .map((tool) => `the tool ${tool}`),
    ...asked.domains
      .filter((domain) => !permissions.allowed_domains.includes(domain))
      .map((domain) => `the domain ${domain}`),
    ...asked.credentials
      .filter((one) => !permissions.allowed_credentials.includes(one))
      .map((one) => `the credential ${one}`),
  ];
}
