import type { AgentSettings, FleetConfig } from '../config/fleet-config.ts';
import type { MeshHandler } from '../pipe/pipe.ts';
import type { GiveSkills } from '../skills/give-skills.ts';
import type { ContainerParts } from './agent-container.ts';
import { type AgentLifecycle, createAgentLifecycle } from './agent-lifecycle.ts';
import type { StartOf } from './agent-start.ts';

/** The life cycles of all agents of the configuration. */
export interface Fleet {
  get(agent: string): AgentLifecycle | undefined;
  values(): Iterable<AgentLifecycle>;
  /**
   * After a change of the configuration: agents that are new can be given messages, those that are gone are
   * stopped, and the container of one whose fixed settings changed is replaced when its turn is over. Resolves with
   * the names of these.
   */
  reload(): Promise<string[]>;
}

export type FleetParts = Omit<
  ContainerParts,
  'agent' | 'settings' | 'start' | 'giveSkills' | 'handle' | 'modelCallsInFlight'
> & {
  giveSkills?: GiveSkills;
  config: FleetConfig;
  startOf: StartOf;
  handlerFor: (agent: string) => MeshHandler;
  modelCallsInFlight: (agent: string) => number;
};

export function createFleet(parts: FleetParts): Fleet {
  const { config, startOf, giveSkills, handlerFor, modelCallsInFlight, ...rest } = parts;
  const agents = new Map<string, AgentLifecycle>();
  for (const settings of config.agents.values()) add(settings);

  function add(first: AgentSettings): void {
    const { name } = first;
    let last = first;
    const lifecycle = createAgentLifecycle({
      ...rest,
      agent: name,
      settings: () => {
        last = config.agents.get(name) ?? last;
        return last;
      },
      start: () => startOf(name),
      ...(giveSkills && { giveSkills: (pipe) => giveSkills(name, pipe) }),
      handle: handlerFor(name),
      modelCallsInFlight: () => modelCallsInFlight(name),
    });
    agents.set(name, lifecycle);
  }

  return {
    get(agent) {
      // Of a configuration that applies already, before the vault has been told of it and `reload` is called.
      const settings = config.agents.get(agent);
      if (settings && !agents.has(agent)) add(settings);
      return agents.get(agent);
    },
    values: () => agents.values(),
    async reload() {
      for (const settings of config.agents.values()) if (!agents.has(settings.name)) add(settings);
      const replaced = await Promise.all(
        [...agents].map(async ([name, lifecycle]) => {
          if (config.agents.has(name)) return (await lifecycle.refresh()) ? [name] : [];
          agents.delete(name);
          await lifecycle.stop('it is no longer in config/agents.yaml.');
          return [];
        }),
      );
      return replaced.flat();
    },
  };
}
