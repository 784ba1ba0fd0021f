import type { FleetConfig } from '../config/fleet-config.ts';

/**
 * Sets what is remembered of an agent by its name. With a name that is new, those are forgotten that are gone from the
 * configuration: agents are spawned for as long as the host runs, each under a name of its own.
 */
export function rememberOfAgent<T>(
  remembered: Map<string, T>,
  { agents }: Pick<FleetConfig, 'agents'>,
  agent: string,
  value: T,
): void {
  if (!remembered.has(agent))
    for (const name of remembered.keys()) if (!agents.has(name)) remembered.delete(name);
  remembered.set(agent, value);
}
