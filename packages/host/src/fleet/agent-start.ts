import type { AgentExtras, AgentStart } from '@openlegion/contract/agent-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { FleetConfig } from '../config/fleet-config.ts';
import type { GatewayClient } from '../vault/gateway-client.ts';
import type { KeeperClient } from '../vault/keeper-client.ts';
import { askedTools, grantedPatterns, grantedTools } from './agent-tools.ts';
import { readProject } from './read-project.ts';

/**
 * What an agent is told of itself, as of now. Nothing in it is secret, and nothing in it is what limits the agent:
 * its authority's certificate (the key stays in the gateway) and placeholders, which mean nothing elsewhere. Rejects
 * with `unavailable` while the vault is away: programs would fail in ways that nobody understands.
 */
export type StartOf = (agent: string) => Promise<AgentStart>;

export function createStartOf(parts: {
  /** Of the installation. */
  home: string;
  config: FleetConfig;
  keeper: KeeperClient;
  gateway: GatewayClient;
}): StartOf {
  const { config, keeper, gateway } = parts;
  return async (name) => {
    const [authorityPem, { credentials }] = await Promise.all([
      gateway.authority(name),
      keeper.vaultView(name),
    ]);
    const agent = config.agents.get(name);
    if (!agent) throw new OpenLegionError(NO_LONGER);
    return {
      name,
      role: agent.role,
      model: agent.model,
      maxTokens: config.mesh.llm.max_tokens,
      temperature: config.mesh.llm.temperature,
      thinking: agent.thinking,
      systemPrompt: agent.system_prompt,
      initialInstructions: agent.initial_instructions,
      tools: [
        ...grantedTools(agent.permissions, config.mesh.approvals.approvers.length > 0),
        ...grantedPatterns(agent.permissions, config.mesh.approvals.approvers.length > 0),
      ],
      extras: {
        askFor: askedTools(agent.permissions),
        project: readProject(parts.home),
        embeddingModel: config.mesh.llm.embedding_model ?? null,
        browser: agent.permissions.can_use_browser
          ? {
              backend: agent.browser_backend,
              endpoint: agent.browser_endpoint ?? null,
              actions: agent.permissions.browser_actions,
            }
          : null,
        mcpServers: agent.mcp_servers,
        runtime: agent.runtime ?? null,
      } satisfies AgentExtras,
      egress: {
        authorityPem,
        // A variable that two credentials claim is the operator's, in the order of names.
        environment: Object.fromEntries(
          credentials
            .toSorted((a, b) => Number(b.own) - Number(a.own) || (a.name < b.name ? 1 : -1))
            .flatMap(({ environment, placeholder }) =>
              environment.map((variable) => [variable, placeholder]),
            ),
        ),
      },
    };
  };
}

const NO_LONGER = {
  code: 'not_found',
  rule: 'fleet.unknown_agent',
  message: 'The agent is no longer in config/agents.yaml.',
  remedy: 'Send the message to another agent.',
} as const;
