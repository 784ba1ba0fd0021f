import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Fleet } from '../fleet/fleet.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { Message } from '../lanes/message.ts';

/** Offers a message that is already in its lane to the turn that runs. */
export interface Steering {
  /**
   * True when the turn took it: it is then answered with that turn. Otherwise it stays in the lane like any other.
   * A host killed in between gives it once more as a message of its own, never not at all.
   */
  offer(message: Message): Promise<boolean>;
}

export function createSteering(parts: { fleet: Fleet; lanes: Lanes }): Steering {
  return {
    async offer(message) {
      const running = parts.lanes.running(message.agent);
      const agent = parts.fleet.get(message.agent);
      if (!running || !agent || running.id === message.id || message.status !== 'queued') return false;
      try {
        return (await agent.steer(message.text)) && (await parts.lanes.merge(message.id, running.id));
      } catch (error) {
        // The agent is ending or does not answer: the message is in its lane and loses nothing by it.
        if (error instanceof OpenLegionError) return false;
        throw error;
      }
    },
  };
}
