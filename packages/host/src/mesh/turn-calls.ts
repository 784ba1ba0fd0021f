import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { FleetConfig } from '../config/fleet-config.ts';
import { rememberOfAgent } from '../fleet/remember-of-agent.ts';

/**
 * Calls of models that one turn of an agent can make. An honest turn takes some dozens, with helpers some hundreds;
 * whatever replaced the loop in the container ends here, also where its budget would last.
 */
export const MOST_CALLS_A_TURN = 1000;

/**
 * Counts each agent's calls in the turn that runs now; what it calls outside of a turn counts as one turn until the
 * next. Throws `denied` for what goes over.
 */
export function createTurnCalls(
  config: Pick<FleetConfig, 'agents'>,
): (agent: string, messageId: string) => void {
  const counted = new Map<string, { messageId: string; calls: number }>();
  return (agent, messageId) => {
    let turn = counted.get(agent);
    if (turn?.messageId !== messageId) {
      turn = { messageId, calls: 0 };
      rememberOfAgent(counted, config, agent, turn);
    }
    if (turn.calls >= MOST_CALLS_A_TURN) throw new OpenLegionError(OVER);
    turn.calls += 1;
  };
}

const OVER = {
  code: 'denied',
  rule: 'turn.model_calls',
  message: `This turn has called models ${MOST_CALLS_A_TURN} times, and one turn can call no more.`,
  remedy: 'End the turn; what is left of the work can go on with the next message.',
} as const;
