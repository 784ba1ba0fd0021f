import type { WorkflowDefinition } from '@openlegion/contract/workflow';
import { FLEET_NAMESPACE, namespaceOf } from '../blackboard/namespace-of.ts';
import type { FleetConfig } from '../config/fleet-config.ts';

/**
 * Whose workflow it is: the team's, where every agent that it names is of one team (and where it names none, every
 * agent with a capability that it names); else the fleet's. Its trigger hears that namespace alone, its `on_complete`
 * is published there, and a capability is looked for among its agents, so that nothing a team publishes reaches
 * another one through a workflow that neither of them owns.
 */
export function workflowNamespace(
  { steps, on_complete, on_failure }: WorkflowDefinition,
  { agents }: Pick<FleetConfig, 'agents'>,
): string {
  const addressed = [...steps, ...[on_complete, on_failure].filter((handler) => typeof handler === 'object')];
  const names = [...addressed.map(({ agent }) => agent), ...steps.map((step) => step.fallback_agent)];
  const named = names.flatMap((name) => agents.get(name ?? '') ?? []);
  const capabilities = addressed.map(({ capability }) => capability);
  const capable = [...agents.values()].filter((agent) =>
    agent.capabilities.some((capability) => capabilities.includes(capability)),
  );
  const namespaces = new Set((named.length > 0 ? named : capable).map((agent) => namespaceOf(agent)));
  const [only] = namespaces;
  return namespaces.size === 1 && only !== undefined ? only : FLEET_NAMESPACE;
}
