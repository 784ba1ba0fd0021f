import type { FleetConfig } from './fleet-config.ts';

/** The configuration that applies now. Read it where it is used: what was read from it does not change with it. */
export interface LiveConfig extends FleetConfig {
  /** As the files have it: without the agents that others spawned. */
  readonly configured: FleetConfig;
  /** From now on this one applies. */
  replace(next: FleetConfig): void;
  /** Agents beside those of the file, made from them: asked anew whenever the agents are read. */
  extend(over: (configured: FleetConfig['agents']) => FleetConfig['agents']): void;
}

export function createLiveConfig(first: FleetConfig): LiveConfig {
  let now = first;
  let over = (configured: FleetConfig['agents']) => configured;
  return {
    get configured() {
      return now;
    },
    get mesh() {
      return now.mesh;
    },
    get agents() {
      return over(now.agents);
    },
    get extraRootsPem() {
      return now.extraRootsPem;
    },
    replace(next) {
      now = next;
    },
    extend(next) {
      over = next;
    },
  };
}
