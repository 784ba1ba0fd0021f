import type { SendMessage } from '@openlegion/contract/control-api';
import type { Refusal } from '@openlegion/contract/refusal';
import type { FleetConfig } from '../config/fleet-config.ts';
import { nearestName } from '../config/nearest-name.ts';
import type { NewId } from '../ids.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { Message } from '../lanes/message.ts';

export type Routed<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };

/**
 * The one way for a message into a lane: who sends is known from where it came in (the control API's token, the
 * agent's pipe), what it may do is decided here, and the decision is on disk before its effect.
 */
export interface Router {
  /** `by`: the person, as the audit log names them; to the agent every person is `operator`. */
  fromOperator(
    agent: string,
    message: SendMessage,
    by: string,
  ): Promise<Routed<{ message: Message; ahead: number }>>;
}

export function createRouter(parts: {
  config: FleetConfig;
  lanes: Lanes;
  newId: NewId;
  /** An operator's message is also the sign to try a failed agent again. */
  onOperatorMessage: (agent: string) => void;
}): Router {
  const { config, lanes, newId } = parts;

  return {
    async fromOperator(agent, { text, mode, idempotencyKey }, by) {
      if (!config.agents.has(agent)) {
        return { ok: false, refusal: noSuchAgent(agent, config.agents.keys()) };
      }
      const running = mode === 'steer' ? lanes.running(agent) : null;
      parts.onOperatorMessage(agent);
      const acceptance = await lanes.accept({
        id: newId('msg'),
        traceId: running?.traceId ?? newId('trc'),
        parentId: null,
        hops: 0,
        agent,
        sender: 'operator',
        askedBy: { person: by, channel: 'cli', conversation: '' },
        mode,
        text,
        // Of the person: nobody's key repeats, or collides with, another's message.
        idempotencyKey:
          idempotencyKey === undefined || by === 'operator'
            ? (idempotencyKey ?? null)
            : `${by}/${idempotencyKey}`,
        rule: 'operator',
        by,
      });
      if (!acceptance.accepted) return { ok: false, refusal: acceptance.refusal };
      return { ok: true, value: { message: acceptance.message, ahead: acceptance.ahead } };
    },
  };
}

function noSuchAgent(name: string, known: Iterable<string>): Refusal {
  const names = [...known];
  const near = nearestName(name, names);
  const list = names.length > 0 ? ` Agents: ${names.slice(0, 20).join(', ')}.` : '';
  return {
    code: 'not_found',
    rule: 'router.unknown_agent',
    message: `There is no agent named ${JSON.stringify(name.slice(0, 63))}.`,
    remedy:
      near === null
        ? `Use the name of an agent in config/agents.yaml.${list}`
        : `Did you mean "${near}"?${list}`,
  };
}
