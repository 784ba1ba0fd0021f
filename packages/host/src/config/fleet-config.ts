import type { AgentConfig } from '@openlegion/contract/agents-config';
import type { MeshConfig } from '@openlegion/contract/mesh-config';
import type { AgentPermissions } from '@openlegion/contract/permissions-config';

/** The whole configuration, parsed and cross-checked. What is not in it does not exist, and is not allowed. */
export interface FleetConfig {
  mesh: MeshConfig;
  agents: ReadonlyMap<string, AgentSettings>;
  /** What the file of `egress.extra_roots` holds. */
  extraRootsPem: string | null;
}

export interface AgentSettings extends Omit<AgentConfig, 'model'> {
  name: string;
  model: string;
  /** The model, then those it fails over to: all that this agent may call. */
  models: readonly string[];
  permissions: AgentPermissions;
  /** `researcher`, or `default` where the agent has no record of its own: for the names of rules. */
  permissionsRecord: string;
  /** Of one that another agent spawned: who pays for it and is granted all that it is. */
  parent?: string;
}
