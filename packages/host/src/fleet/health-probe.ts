import type { AgentStatus } from '@openlegion/contract/agent-api';
import type { Clock } from '../clock.ts';
import { FLEET_LIMITS } from './fleet-limits.ts';

/**
 * Asks a running agent for its status every 30 s. Unhealthy is an agent that leaves three in a row unanswered, or
 * that stands for ten minutes in a turn without any progress of its loop and without a model call on its way (turns
 * and calls the host sees itself, whatever the agent says of them). A process that merely exists is not alive.
 */
export interface HealthProbe {
  start(): void;
  stop(): void;
}

export function createHealthProbe(options: {
  clock: Clock;
  /** Null when there is nothing to ask. */
  ask: () => Promise<AgentStatus | null>;
  callsInFlight: () => number;
  /** Whether it has been given a message that it has not answered. */
  inTurn: () => boolean;
  onUnhealthy: (why: string) => void;
}): HealthProbe {
  const { clock, ask, callsInFlight, inTurn, onUnhealthy } = options;
  let cancel: (() => void) | undefined;
  let unanswered = 0;
  let stalled = 0;
  let progress = -1;

  async function probe(): Promise<void> {
    try {
      const status = await ask();
      if (!status) return;
      unanswered = 0;
      const moving = !inTurn() || status.progress !== progress || callsInFlight() > 0;
      stalled = moving ? 0 : stalled + 1;
      progress = status.progress;
    } catch {
      unanswered += 1;
    }
    if (cancel === undefined) return;
    if (unanswered >= FLEET_LIMITS.probeFailures) {
      onUnhealthy(`it left ${unanswered} health probes in a row unanswered.`);
    } else if (stalled >= FLEET_LIMITS.stalledProbes) {
      onUnhealthy(
        `it was busy for ${(stalled * FLEET_LIMITS.probeEveryMs) / 60_000} minutes without any progress.`,
      );
    } else again();
  }

  function again(): void {
    cancel = clock.after(FLEET_LIMITS.probeEveryMs, () => void probe());
  }

  return {
    start() {
      unanswered = 0;
      stalled = 0;
      progress = -1;
      again();
    },
    stop() {
      cancel?.();
      cancel = undefined;
    },
  };
}
