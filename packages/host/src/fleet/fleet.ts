import type { AgentStart } from '@openlegion/contract/agent-api';
import type { AgentSettings, FleetConfig } from '../config/fleet-config.ts';
import type { MeshHandler } from '../pipe/pipe.ts';
import type { ContainerParts } from './agent-container.ts';
import { type AgentLifecycle, createAgentLifecycle } from './agent-lifecycle.ts';
import { grantedTools } from './agent-tools.ts';

/** The life cycles of all agents of the configuration. */
export type Fleet = ReadonlyMap<string, AgentLifecycle>;

export type FleetParts = Omit<ContainerParts, 'agent' | 'start' | 'handle' | 'modelCallsInFlight'> & {
  config: FleetConfig;
  handlerFor: (agent: AgentSettings) => MeshHandler;
  modelCallsInFlight: (agent: string) => number;
};

export function createFleet({ config, handlerFor, modelCallsInFlight, ...parts }: FleetParts): Fleet {
  return new Map(
    [...config.agents.values()].map((agent) => [
      agent.name,
      createAgentLifecycle({
        ...parts,
        agent,
        start: agentStart(agent, config),
        handle: handlerFor(agent),
        modelCallsInFlight: () => modelCallsInFlight(agent.name),
      }),
    ]),
  );
}

/** What an agent is told of itself. Nothing in it is secret, and nothing in it is what limits the agent. */
function agentStart(agent: AgentSettings, { mesh }: FleetConfig): AgentStart {
  return {
    name: agent.name,
    role: agent.role,
    model: agent.model,
    maxTokens: mesh.llm.max_tokens,
    temperature: mesh.llm.temperature,
    thinking: agent.thinking,
    systemPrompt: agent.system_prompt,
    initialInstructions: agent.initial_instructions,
    tools: grantedTools(agent.permissions),
  };
}
