import type { FleetConfig } from './fleet-config.ts';

/** The configuration that applies now. Read it where it is used: what was read from it does not change with it. */
export interface LiveConfig extends FleetConfig {
  /** From now on this one applies. */
  replace(next: FleetConfig): void;
}

export function createLiveConfig(first: FleetConfig): LiveConfig {
  let now = first;
  return {
    get mesh() {
      return now.mesh;
    },
    get agents() {
      return now.agents;
    },
    get extraRootsPem() {
      return now.extraRootsPem;
    },
    replace(next) {
      now = next;
    },
  };
}
