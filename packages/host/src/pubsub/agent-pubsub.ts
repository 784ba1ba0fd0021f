import type {
  Publish,
  Published,
  SettleEvent,
  Subscribe,
  Subscribed,
  TakeEvents,
  TopicDeliveries,
  Unsubscribe,
} from '@openlegion/contract/pubsub';
import type { AuditLog } from '../audit/audit-log.ts';
import { namespaceOf } from '../blackboard/namespace-of.ts';
import type { AgentSettings, FleetConfig } from '../config/fleet-config.ts';
import { decidePermission } from '../router/decide-permission.ts';
import type { Routed } from '../router/router.ts';
import type { MayReceive } from './claim-deliveries.ts';
import type { Pubsub } from './pubsub.ts';
import { pubsubRefusals } from './refusals.ts';

/** The turn that an agent is in: what it publishes continues that trace, one hop further. */
export interface Turn {
  /** Of the message whose turn it is. */
  messageId: string;
  traceId: string;
  hops: number;
}

/** Topics as an agent has them: those of its own team, held to `can_publish` and `can_subscribe`. */
export interface AgentPubsub {
  /** Outside of a turn (`turn` is null) nothing is published: nobody could say what led to it, or how far it is. */
  publish(agent: AgentSettings, request: Publish, turn: Turn | null): Promise<Routed<Published>>;
  subscribe(agent: AgentSettings, request: Subscribe): Promise<Routed<Subscribed>>;
  unsubscribe(agent: AgentSettings, request: Unsubscribe): Promise<Routed<null>>;
  take(agent: AgentSettings, request: TakeEvents): Promise<TopicDeliveries>;
  ack(agent: AgentSettings, request: SettleEvent): Promise<Routed<null>>;
  nack(agent: AgentSettings, request: SettleEvent): Promise<Routed<null>>;
}

export function createAgentPubsub(parts: {
  pubsub: Pubsub;
  audit: AuditLog;
  /** Of an event. */
  newId: () => string;
}): AgentPubsub {
  const { pubsub, audit, newId } = parts;

  /** Records what was denied, here or by a limit on hops, before it is answered. */
  async function denied<T>(
    agent: AgentSettings,
    topic: string,
    no: Routed<T>,
    traceId: string,
  ): Promise<Routed<T>> {
    if (no.ok || no.refusal.code !== 'denied') return no;
    await audit.record({
      type: 'permission.denied',
      actor: agent.name,
      subject: `${namespaceOf(agent)} ${topic}`,
      decision: 'denied',
      rule: no.refusal.rule,
      traceId,
    });
    return no;
  }

  return {
    async publish(agent, { topic, payload, idempotencyKey }, turn) {
      const traceId = turn?.traceId ?? '';
      const decision = decidePermission(agent, 'can_publish', topic);
      if (!decision.allowed) return denied(agent, topic, { ok: false, refusal: decision.refusal }, traceId);
      if (!turn) return { ok: false, refusal: pubsubRefusals.noTurn() };
      const event = { topic, payload, traceId, publisher: agent.name, namespace: namespaceOf(agent) };
      // Bound to the turn, as the key of a hand-off is: a turn that is given again repeats its events.
      const key = idempotencyKey === undefined ? undefined : `${turn.messageId}/${idempotencyKey}`;
      const hops = turn.hops + 1;
      const published = await pubsub.publish({ ...event, id: newId(), hops, idempotencyKey: key });
      return denied(agent, topic, published, traceId);
    },
    async subscribe(agent, { topic, mode }) {
      const decision = decidePermission(agent, 'can_subscribe', topic);
      if (!decision.allowed) return denied(agent, topic, { ok: false, refusal: decision.refusal }, '');
      return pubsub.subscribe({ namespace: namespaceOf(agent), topic, subscriber: agent.name, mode });
    },
    unsubscribe: (agent, { topic }) =>
      pubsub.unsubscribe({ namespace: namespaceOf(agent), topic, subscriber: agent.name }),
    take: async (agent, request) => ({ deliveries: await pubsub.take(agent.name, request) }),
    ack: (agent, request) => pubsub.ack({ subscriber: agent.name, ...request }),
    nack: (agent, request) => pubsub.nack({ subscriber: agent.name, ...request }),
  };
}

/**
 * For `createPubsub`: an agent may have an event while it is in the configuration, in the team of the topic, and
 * granted `can_subscribe` for it. Workflows are the operator's own.
 */
export function createMayReceive(config: Pick<FleetConfig, 'agents'>): MayReceive {
  return (subscriber, namespace, topic) => {
    if (subscriber.startsWith('workflow:')) return null;
    const agent = config.agents.get(subscriber);
    if (!agent || namespaceOf(agent) !== namespace)
      return { rule: 'agents', reason: `${subscriber} is no longer an agent of ${namespace}.` };
    const decision = decidePermission(agent, 'can_subscribe', topic);
    return decision.allowed ? null : { rule: decision.refusal.rule, reason: decision.refusal.message };
  };
}
