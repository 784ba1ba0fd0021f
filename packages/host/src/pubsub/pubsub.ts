import type { DeadLetters, Published, TopicDelivery } from '@openlegion/contract/pubsub';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { Routed } from '../router/router.ts';
import type { Database, Reader, Transaction } from '../store/database.ts';
import { integerOf } from '../store/row.ts';
import { endDelivery } from './bury-delivery.ts';
import {
  type Claim,
  type Claimed,
  claimDeliveries,
  type MayReceive,
  settleDelivery,
} from './claim-deliveries.ts';
import { forgetOldEvents, listDeadLetters, replayDeadLetter } from './dead-letters.ts';
import { type NewTopicEvent, publishEvent } from './publish-event.ts';
import { PUBSUB_LIMITS, type PubsubContext, type PubsubLimits } from './pubsub-limits.ts';
import { createPump } from './pump.ts';
import { pubsubRefusals } from './refusals.ts';
import {
  listSubscriptions,
  modeOf,
  pushedTraces,
  type Subscription,
  type SubscriptionMode,
  subscribeTo,
  unsubscribeFrom,
} from './subscriptions.ts';

/**
 * What the host does with events that it delivers itself. Each resolves soon, and is idempotent by `deliveryId`: the
 * host may be killed between the effect and its acknowledgement. A refusal or a throw is tried again, and in the end
 * becomes a dead letter with its message.
 */
export type TopicHooks = Record<
  Exclude<SubscriptionMode, 'inbox'>,
  (delivery: Claimed) => Promise<Routed<unknown>>
>;

/**
 * Durable topics. Nothing here asks for the permission to publish or subscribe: `createAgentPubsub` does; whether a
 * subscriber may have an event is asked again, by `mayReceive`, whenever it is given one.
 */
export interface Pubsub {
  publish(event: NewTopicEvent): Promise<Routed<Published>>;
  subscribe(subscription: Subscription): Promise<Routed<{ subscriptionId: number }>>;
  unsubscribe(subscription: Omit<Subscription, 'mode'>): Promise<Routed<null>>;
  subscriptions(namespace: string | null): (Subscription & { waiting: number; dead: number })[];
  take(subscriber: string, options: { limit: number; leaseMs: number }): Promise<TopicDelivery[]>;
  ack(settled: { subscriber: string; deliveryId: number; lease: string }): Promise<Routed<null>>;
  nack(settled: { subscriber: string; deliveryId: number; lease: string }): Promise<Routed<null>>;
  deadLetters(after: number, limit: number): DeadLetters;
  /** Of an operator, recorded in the audit log: gives a dead letter out again, or away for good. */
  settleDeadLetter(id: number, how: 'replay' | 'discard', operator: string): Promise<Routed<null>>;
  /** Forgets what is over, in bounded steps. Resolves with how many rows it changed. */
  collect(): Promise<number>;
  /** Delivers what a former host left, an attempt that ended with it uncounted. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Whether events of a trace are still to be delivered by the host: it has then not settled. */
  isOpen(reader: Reader, traceId: string): boolean;
}

const AT_A_TIME = 32;

export function createPubsub(parts: {
  database: Database;
  audit: AuditLog;
  clock: Clock;
  mayReceive: MayReceive;
  hooks: TopicHooks;
  warn: (message: string) => void;
  /**
   * In the transaction in which a delivery of the host's own is over, one way or the other: its trace may have settled.
   * Returns what to do after the commit.
   */
  onDelivered?: (transaction: Transaction, traceId: string) => () => void;
  limits?: PubsubLimits;
}): Pubsub {
  const { database, audit, clock, mayReceive, hooks, warn, limits = PUBSUB_LIMITS } = parts;
  const context = (): PubsubContext => ({ limits, now: clock.now(), audit });

  /** Writes, and then does what `onDelivered` left to do. */
  async function writeEnding<T>(
    work: (transaction: Transaction, ended: (transaction: Transaction, traceId: string) => void) => T,
  ): Promise<T> {
    const after: (() => void)[] = [];
    const written = await database.write((transaction) =>
      work(transaction, (_, traceId) => {
        const announce = parts.onDelivered?.(transaction, traceId);
        if (announce) after.push(announce);
      }),
    );
    for (const announce of after) announce();
    return written;
  }

  const claim = (options: Omit<Claim, 'mayReceive' | 'onBuried'>) =>
    writeEnding((transaction, onBuried) =>
      claimDeliveries(transaction, context(), { ...options, mayReceive, onBuried }),
    );
  const settle = (settled: Parameters<typeof settleDelivery>[2]) =>
    database.write((transaction) => settleDelivery(transaction, context(), settled));
  /** What the host was still to deliver to it may be no longer the host's, and what waited for that is over. */
  const leaving = <T>(
    subscription: Omit<Subscription, 'mode'>,
    work: (transaction: Transaction) => Routed<T>,
  ): Promise<Routed<T>> =>
    writeEnding((transaction, ended) => {
      const traces = pushedTraces(transaction, subscription);
      const done = work(transaction);
      for (const traceId of traces) ended(transaction, traceId);
      return done;
    });
  const pump = createPump({ clock, warn: (message) => warn(`topics: ${message}`), run: deliverDue });

  async function deliverDue(): Promise<number | null> {
    for (;;) {
      const claimed = await claim({ limit: AT_A_TIME, leaseMs: limits.pushLeaseMs });
      await Promise.all(claimed.map(push));
      if (claimed.length < AT_A_TIME) break;
    }
    const next = database.get(
      "SELECT MIN(visible_at) AS due FROM topic_delivery WHERE state = 'live' AND push = 1",
    );
    return next?.due == null ? null : integerOf(next, 'due') - clock.now();
  }

  async function push(delivery: Claimed): Promise<void> {
    const { subscriber, deliveryId, lease, attempt } = delivery;
    const mode = modeOf(delivery.mode);
    const done =
      mode === 'inbox'
        ? { ok: false as const, refusal: pubsubRefusals.notSubscribed() }
        : await hooks[mode](delivery).catch((error) => {
            warn(`topic ${delivery.topic} for ${subscriber}: ${String(error)}`);
            return null;
          });
    const reason = done === null ? 'an error of the host' : done.ok ? '' : done.refusal.message;
    const retryMs = done?.ok ? null : limits.retryMs * 2 ** (attempt - 1);
    await writeEnding((transaction, ended) => {
      settleDelivery(transaction, context(), { subscriber, deliveryId, lease, retryMs, reason });
      ended(transaction, delivery.traceId);
    });
  }

  return {
    async publish(event) {
      const published = await database.write((transaction) => publishEvent(transaction, context(), event));
      if (!published.ok) return published;
      if (published.value.created) pump.kick();
      const { eventId, subscribers } = published.value;
      return { ok: true, value: { eventId, subscribers } };
    },
    async subscribe(subscription) {
      const done = await leaving(subscription, (transaction) =>
        subscribeTo(transaction, context(), subscription),
      );
      pump.kick();
      return done;
    },
    unsubscribe: (subscription) =>
      leaving(subscription, (transaction) => unsubscribeFrom(transaction, subscription)),
    subscriptions: (namespace) => listSubscriptions(database, namespace),
    async take(subscriber, options) {
      const claimed = await claim({ subscriber, ...options });
      return claimed.map(({ namespace, subscriber: _, mode, ...delivery }) => delivery);
    },
    ack: (settled) => settle({ ...settled, retryMs: null, reason: '' }),
    nack: (settled) => settle({ ...settled, retryMs: 0, reason: 'it was given back.' }),
    deadLetters: (after, limit) => listDeadLetters(database, after, limit),
    async settleDeadLetter(id, how, operator) {
      const found = await database.write((transaction) => {
        const row = transaction.get("SELECT 1 FROM topic_delivery WHERE id = ? AND state = 'dead'", id);
        if (!row) return false;
        audit.append(transaction, {
          type: how === 'replay' ? 'pubsub.dead_letter_replayed' : 'pubsub.dead_letter_discarded',
          actor: operator,
          subject: `delivery ${id}`,
          decision: 'allowed',
          rule: 'operator',
        });
        if (how === 'replay') replayDeadLetter(transaction, id, clock.now());
        else endDelivery(transaction, id);
        return true;
      });
      if (!found) return { ok: false, refusal: pubsubRefusals.noDelivery() };
      pump.kick();
      return { ok: true, value: null };
    },
    collect: () => database.write((transaction) => forgetOldEvents(transaction, context())),
    async start() {
      await database.write((transaction) =>
        transaction.run(
          `UPDATE topic_delivery SET lease = '', visible_at = ?, attempt = attempt - 1
           WHERE state = 'live' AND push = 1 AND lease <> ''`,
          clock.now(),
        ),
      );
      pump.kick();
    },
    stop: pump.stop,
    isOpen: (reader, traceId) =>
      reader.get(
        `SELECT 1 FROM topic_event e CROSS JOIN topic_delivery d ON d.event_seq = e.seq
         WHERE e.trace_id = ? AND e.live > 0 AND d.state = 'live' AND d.push = 1 LIMIT 1`,
        traceId,
      ) !== undefined,
  };
}
