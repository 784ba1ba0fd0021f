import type { JsonValue } from '@openlegion/contract/json-value';
import type { Refusal } from '@openlegion/contract/refusal';
import type { TaskDetails } from '../tasks/task-details.ts';
import type { Message } from './message.ts';

/** One attempt to have a message answered. */
export interface Delivery {
  message: Message;
  /** The message's own text, or, in collect mode, all those that share the turn. */
  text: string;
  /** From 1. */
  attempt: number;
  /** In task mode: what is asked for. */
  task?: TaskDetails | undefined;
}

/** What a turn in task mode came to, beside its words. Claims of the agent. */
export interface Produced {
  result: JsonValue;
  promotions: { key: string; value: JsonValue }[];
}

export type Outcome =
  /** The turn ended; `text` is the reply. */
  | {
      kind: 'ended';
      status: 'done' | 'cancelled' | 'failed';
      text: string;
      refusal: Refusal | null;
      produced?: Produced;
    }
  /** The turn was cut off; the message is given again, up to `MOST_ATTEMPTS` times in all. */
  | { kind: 'interrupted'; refusal: Refusal }
  /** The agent takes nothing for now: the message stays first in its lane, this attempt uncounted, until `resume`. */
  | { kind: 'wait' }
  /** The same at once: nothing was the fault of the message or of the agent. */
  | { kind: 'again' };

/** Never throws: what goes wrong is an outcome. */
export type Deliver = (delivery: Delivery) => Promise<Outcome>;

export const MOST_ATTEMPTS = 3;

/** Ends of the host itself that a message may sit through: more than bad luck, and it may be what ends the host. */
export const MOST_HOST_ENDS = 20;
