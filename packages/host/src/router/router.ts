import type { SendMessage } from '@openlegion/contract/control-api';
import type { HandoffAnswer, HandoffRequest } from '@openlegion/contract/mesh-api';
import type { Refusal } from '@openlegion/contract/refusal';
import type { AuditLog } from '../audit/audit-log.ts';
import type { AgentSettings, FleetConfig } from '../config/fleet-config.ts';
import { nearestName } from '../config/nearest-name.ts';
import type { EventLog } from '../delivery/event-log.ts';
import type { NewId } from '../ids.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { Message } from '../lanes/message.ts';
import { decidePermission } from './decide-permission.ts';

/** Hand-offs that may follow from one message of the operator's; what goes round in circles ends here. */
export const HOP_LIMIT = 8;

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
  /** A task from the agent at the other end of a pipe, in the turn it is in. */
  handOff(sender: string, request: HandoffRequest): Promise<Routed<HandoffAnswer>>;
}

export function createRouter(parts: {
  config: FleetConfig;
  lanes: Lanes;
  audit: AuditLog;
  events: EventLog;
  newId: NewId;
  /** Why an agent takes nothing from other agents now (it failed and waits for the operator); null when it does. */
  closedFor: (agent: string) => Refusal | null;
  /** An operator's message is also the sign to try a failed agent again. */
  onOperatorMessage: (agent: string) => void;
}): Router {
  const { config, lanes, audit, events, newId } = parts;

  async function deny<T>(
    sender: string,
    subject: string,
    refusal: Refusal,
    running: Message | null,
  ): Promise<Routed<T>> {
    await audit.record({
      type: 'permission.denied',
      actor: sender,
      subject,
      decision: 'denied',
      rule: refusal.rule,
      traceId: running?.traceId ?? '',
    });
    if (running) {
      await events.record({
        agent: sender,
        messageId: running.id,
        traceId: running.traceId,
        event: { type: 'refused', refusal },
      });
    }
    return { ok: false, refusal };
  }

  /** Whom a hand-off goes to. An agent that does not exist is refused like one that may not be messaged. */
  function target(
    sender: AgentSettings,
    to: string,
  ): { ok: true; agent: string; rule: string } | { ok: false; refusal: Refusal } {
    if (!to.startsWith('capability:')) {
      const decision = decidePermission(sender, 'can_message', to);
      if (!decision.allowed) return { ok: false, refusal: decision.refusal };
      if (to === sender.name) return { ok: false, refusal: TO_ITSELF };
      if (!config.agents.has(to)) return { ok: false, refusal: noSuchAgent(to, []) };
      return { ok: true, agent: to, rule: decision.rule };
    }
    const capability = to.slice('capability:'.length);
    const able = [...config.agents.values()]
      .filter((agent) => agent.capabilities.includes(capability) && agent.name !== sender.name)
      .filter((agent) => decidePermission(sender, 'can_message', agent.name).allowed)
      .filter((agent) => parts.closedFor(agent.name) === null)
      .map((agent) => ({
        name: agent.name,
        queued: lanes.queued(agent.name) + (lanes.running(agent.name) ? 1 : 0),
      }))
      .sort((a, b) => a.queued - b.queued || (a.name < b.name ? -1 : 1));
    const first = able[0];
    const rule = `permissions.${sender.permissionsRecord}.can_message`;
    return first
      ? { ok: true, agent: first.name, rule }
      : { ok: false, refusal: nobodyAble(capability, rule) };
  }

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

    async handOff(sender, { to, task, idempotencyKey }) {
      const running = lanes.running(sender);
      const settings = config.agents.get(sender);
      if (!settings) return deny(sender, to, noSuchAgent(sender, []), running);
      if (!running) return deny(sender, to, NO_TURN, null);
      const found = target(settings, to);
      if (!found.ok) return deny(sender, to, found.refusal, running);
      const hops = running.hops + 1;
      if (hops > HOP_LIMIT) return deny(sender, found.agent, HOPS, running);
      const closed = parts.closedFor(found.agent);
      if (closed) return deny(sender, found.agent, closed, running);

      const acceptance = await lanes.accept({
        id: newId('msg'),
        traceId: running.traceId,
        parentId: running.id,
        hops,
        agent: found.agent,
        sender,
        mode: 'followup',
        text: task,
        // Bound to the turn, so that a turn given again repeats its tasks, and a later turn makes new ones.
        idempotencyKey: `${running.id}/${to}/${idempotencyKey}`,
        rule: found.rule,
      });
      if (!acceptance.accepted) return deny(sender, found.agent, acceptance.refusal, running);
      const { message, created } = acceptance;
      if (created) {
        await events.record({
          agent: sender,
          messageId: running.id,
          traceId: running.traceId,
          event: { type: 'handoff', to: found.agent, taskId: message.id },
        });
      }
      return { ok: true, value: { taskId: message.id, to: message.agent } };
    },
  };
}

const TO_ITSELF: Refusal = {
  code: 'bad_request',
  rule: 'router.self',
  message: 'An agent cannot hand a task to itself.',
  remedy: 'Name another agent, or do the task in this turn.',
};

const NO_TURN: Refusal = {
  code: 'conflict',
  rule: 'router.no_turn',
  message: 'A task can be handed on only in a turn, and none is running.',
  remedy: 'Hand on while answering a message.',
};

const HOPS: Refusal = {
  code: 'denied',
  rule: 'router.hop_limit',
  message: `This task has been handed on ${HOP_LIMIT} times already.`,
  remedy: 'Look for a circle of hand-offs in the trace, and have one of the agents finish the task.',
};

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

function nobodyAble(capability: string, rule: string): Refusal {
  return {
    code: 'denied',
    rule,
    message: `No agent that may be messaged has the capability "${capability}".`,
    remedy: 'An operator can grant can_message in config/permissions.json or give an agent the capability.',
  };
}
