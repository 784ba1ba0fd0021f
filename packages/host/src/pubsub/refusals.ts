import type { Refusal } from '@openlegion/contract/refusal';

/** Every way in which pub/sub itself says no; permissions say it before. */
export const pubsubRefusals = {
  topic: (topic: string): Refusal => ({
    code: 'bad_request',
    rule: 'pubsub.topic',
    message: `${JSON.stringify(topic.toWellFormed().slice(0, 100))} is no topic: two readers could take it for different ones.`,
    remedy: 'Use plain segments between slashes, no ".." or "*", no invisible or full-width characters.',
  }),
  noTurn: (): Refusal => ({
    code: 'conflict',
    rule: 'pubsub.no_turn',
    message: 'An event can be published only in a turn, and none is running.',
    remedy: 'Publish while answering a message.',
  }),
  hops: (topic: string, most: number): Refusal => ({
    code: 'denied',
    rule: 'pubsub.hop_limit',
    message: `${most} events and hand-offs led to this one on ${JSON.stringify(topic.slice(0, 100))}; it ends here.`,
    remedy: 'Look for a circle of topics in the trace, and have one of the subscribers publish no more.',
  }),
  payload: (bytes: number): Refusal => ({
    code: 'too_large',
    rule: 'pubsub.payload_bytes',
    message: `The payload is larger than ${bytes} bytes.`,
    remedy: 'Put it on the blackboard or into an artifact, and publish where it is.',
  }),
  keyUsed: (): Refusal => ({
    code: 'conflict',
    rule: 'pubsub.idempotency_key',
    message: 'This idempotency key was used for another event.',
    remedy: 'Use a new key for a new event, and the old one only to repeat the old event unchanged.',
  }),
  publisherFull: (publisher: string, most: number): Refusal => ({
    code: 'rate_limited',
    rule: 'pubsub.open_events',
    message: `${most} events of ${publisher} still wait for their subscribers.`,
    remedy: 'Wait until some are taken; an operator can see which subscriber does not get on.',
  }),
  subscriptions: (most: number): Refusal => ({
    code: 'rate_limited',
    rule: 'pubsub.subscriptions',
    message: `More than ${most} subscriptions.`,
    remedy: 'Unsubscribe from a topic that is no longer needed.',
  }),
  notSubscribed: (): Refusal => ({
    code: 'not_found',
    rule: 'pubsub.subscription',
    message: 'There is no such subscription.',
    remedy: 'Subscribe to the topic first.',
  }),
  noDelivery: (): Refusal => ({
    code: 'not_found',
    rule: 'pubsub.delivery',
    message: 'There is no such delivery.',
    remedy: 'It may have been acknowledged already; take events again for those that wait.',
  }),
  leaseOver: (): Refusal => ({
    code: 'conflict',
    rule: 'pubsub.lease',
    message: 'This event has been given out again since: what was done with it may be done twice.',
    remedy: 'Acknowledge with the newest lease, and ask for a longer one next time.',
  }),
};
