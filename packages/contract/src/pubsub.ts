import { z } from 'zod';
import { JsonValue } from './json-value.ts';

/**
 * Topics, within the agent's team (within the fleet where it has no team):
 *
 * | method and path          | body         | answer          | permission    |
 * |--------------------------|--------------|-----------------|---------------|
 * | POST /mesh/publish       | Publish      | Published       | can_publish   |
 * | POST /mesh/subscribe     | Subscribe    | Subscribed      | can_subscribe |
 * | POST /mesh/unsubscribe   | Unsubscribe  | {}              | self          |
 * | POST /mesh/events        | TakeEvents   | TopicDeliveries | can_subscribe |
 * | POST /mesh/events/ack    | SettleEvent  | {}              | self          |
 * | POST /mesh/events/nack   | SettleEvent  | {}              | self          |
 *
 * An event that was accepted reaches each who was subscribed to exactly its topic at least once: it is given again
 * until it is acknowledged, and after too many attempts becomes a dead letter that an operator can see and replay.
 */
const Topic = z.string().min(1).max(200);

export const Publish = z.strictObject({
  topic: Topic,
  payload: JsonValue,
  /** Same publisher, same key: the same event, for an hour. */
  idempotencyKey: z.string().min(1).max(200).optional(),
});
export type Publish = z.infer<typeof Publish>;
export const Published = z.object({ eventId: z.string(), subscribers: z.int().nonnegative() });
export type Published = z.infer<typeof Published>;

/** `wake`: each event becomes a message in the agent's lane, which starts it; `inbox`: the agent takes them itself. */
export const Subscribe = z.strictObject({ topic: Topic, mode: z.enum(['wake', 'inbox']).default('wake') });
export type Subscribe = z.infer<typeof Subscribe>;
export const Subscribed = z.object({ subscriptionId: z.int().positive() });
export type Subscribed = z.infer<typeof Subscribed>;
export const Unsubscribe = z.strictObject({ topic: Topic });
export type Unsubscribe = z.infer<typeof Unsubscribe>;

export const TakeEvents = z.strictObject({
  limit: z.int().min(1).max(50).default(10),
  /** What is not acknowledged by then is given again. */
  leaseMs: z.int().min(1000).max(3_600_000).default(60_000),
});
export type TakeEvents = z.infer<typeof TakeEvents>;

/** `lease` proves that it is this attempt that is settled, not one given up. */
export const SettleEvent = z.strictObject({
  deliveryId: z.int().positive(),
  lease: z.string().min(1).max(100),
});
export type SettleEvent = z.infer<typeof SettleEvent>;

export const TopicEvent = z.object({
  eventId: z.string(),
  topic: z.string(),
  payload: JsonValue,
  publisher: z.string(),
  traceId: z.string(),
  hops: z.int().nonnegative(),
  at: z.string(),
});
export type TopicEvent = z.infer<typeof TopicEvent>;

export const TopicDelivery = TopicEvent.extend({
  deliveryId: z.int().positive(),
  lease: z.string(),
  /** From 1. */
  attempt: z.int().positive(),
});
export type TopicDelivery = z.infer<typeof TopicDelivery>;
export const TopicDeliveries = z.object({ deliveries: z.array(TopicDelivery) });
export type TopicDeliveries = z.infer<typeof TopicDeliveries>;

/** What could not be delivered, for a person: why, and to whom. */
export const DeadLetter = TopicEvent.extend({
  deliveryId: z.int().positive(),
  namespace: z.string(),
  subscriber: z.string(),
  attempts: z.int().nonnegative(),
  /** The rule that ended it: `pubsub.attempts`, `pubsub.backlog`, `pubsub.age`, or that of a permission. */
  rule: z.string(),
  reason: z.string(),
});
export type DeadLetter = z.infer<typeof DeadLetter>;
export const DeadLetters = z.object({
  letters: z.array(DeadLetter),
  /** The `after` that continues; null at the end. */
  next: z.int().nullable(),
});
export type DeadLetters = z.infer<typeof DeadLetters>;
