import type { FleetEvent } from '@openlegion/contract/control-api';
import type { Refusal } from '@openlegion/contract/refusal';
import type { AuditLog } from '../audit/audit-log.ts';
import { type Clock, isoTime } from '../clock.ts';
import type { EventLog } from '../delivery/event-log.ts';
import type { Database, Transaction } from '../store/database.ts';
import { integerOf } from '../store/row.ts';
import { type Acceptance, acceptMessage, type NewMessage } from './accept-message.ts';
import { type Deliver, type Delivery, MOST_ATTEMPTS, type Outcome } from './delivery.ts';
import { type Message, messageOf } from './message.ts';
import { settleMessage, type TurnHooks } from './settle-message.ts';
import { takeMessage } from './take-message.ts';

/** How long the lane waits before it tries again to store what it could not (a full disk). */
const STORE_RETRY_MS = 1000;
/** A write for each model call would hold up the next ones by a flush of the disk. */
const CHARGE_FLUSH_MS = 200;

/** One first-in-first-out queue per agent, on disk. At most one message of a lane runs. */
export interface Lanes {
  /** What is accepted is on disk. Rejects, and stores nothing, when the disk does not take it. */
  accept(message: Omit<NewMessage, 'createdAt'>): Promise<Acceptance>;
  /** The message in whose turn the agent is, for the lineage of what it does. */
  running(agent: string): Message | null;
  find(messageId: string): Message | null;
  queued(agent: string): number;
  /** The agent took this message's text into the turn of `into`: it is answered with it. */
  merge(messageId: string, into: string): Promise<boolean>;
  /** Takes a message back that no turn has begun with: it is cancelled. False where one has, or it is settled. */
  withdraw(messageId: string, refusal: Refusal): Promise<boolean>;
  /** Adds to what a message has cost, and says so in the event stream. On disk before the message settles. */
  charge(agent: string, charge: Charge, running: Message): void;
  /** Puts what a crash left running first in its lane, and starts all lanes that have work. */
  start(): Promise<void>;
  /** Takes up a lane that waits. */
  resume(agent: string): void;
  /** Takes nothing more from any lane; resolves when what was in delivery has returned. */
  stop(): Promise<void>;
}

export interface Charge {
  model: string;
  chargedMicroUsd: number;
  inputTokens: number;
  outputTokens: number;
  durationMs: number;
}

interface Step {
  delivery: Delivery | null;
  events: FleetEvent[];
}

export function createLanes(parts: {
  database: Database;
  audit: AuditLog;
  events: EventLog;
  clock: Clock;
  deliver: Deliver;
  turns: TurnHooks;
  warn: (message: string) => void;
}): Lanes {
  const { database, events, clock, deliver, warn } = parts;
  const active = new Map<string, Promise<void>>();
  const running = new Map<string, Message>();
  const waiting = new Set<string>();
  /** Costs not yet on disk. What was spent is the keeper's to know; these are for showing it with its message. */
  const charges = new Map<string, number>();
  let chargesWait = false;
  let stopping = false;

  /** Adds what is waiting to its messages; where that is not stored, it waits again. */
  async function storeCharges(ids: string[], work?: (transaction: Transaction) => Step): Promise<Step> {
    const taken: [id: string, amount: number][] = [];
    try {
      return await database.write((transaction) => {
        const add = 'UPDATE message SET charged_micro_usd = charged_micro_usd + ? WHERE id = ?';
        for (const id of ids) {
          const amount = charges.get(id);
          if (amount === undefined) continue;
          transaction.run(add, amount, id);
          // Taken here, not after the commit: another write of the same batch would add it once more.
          charges.delete(id);
          taken.push([id, amount]);
        }
        return work?.(transaction) ?? NO_STEP;
      });
    } catch (error) {
      for (const [id, amount] of taken) charges.set(id, (charges.get(id) ?? 0) + amount);
      throw error;
    }
  }

  /** Settles or gives back what just returned, and takes the next, in one transaction. */
  function step(
    transaction: Transaction,
    agent: string,
    done: Delivery | null,
    outcome: Outcome | null,
  ): Step {
    const announcements: FleetEvent[] = [];
    if (done && outcome) announcements.push(...conclude(transaction, done, outcome));
    while (!stopping && outcome?.kind !== 'wait') {
      const taken = takeMessage(transaction, agent, isoTime(clock));
      if (taken === null) break;
      if (taken.next === 'delivery') parts.turns.begun(transaction, taken.delivery.message);
      if (taken.next === 'delivery') return { delivery: taken.delivery, events: announcements };
      const exhausted = { ...EXHAUSTED, finishedAt: isoTime(clock) };
      announcements.push(...settleMessage(transaction, parts, taken.message.id, exhausted));
    }
    return { delivery: null, events: announcements };
  }

  function conclude(
    transaction: Transaction,
    { message, attempt }: Delivery,
    outcome: Outcome,
  ): FleetEvent[] {
    const finishedAt = isoTime(clock);
    if (outcome.kind === 'ended') {
      const { status, text, refusal, produced } = outcome;
      const settlement = { status, reply: text, refusal, finishedAt, produced };
      return settleMessage(transaction, parts, message.id, settlement);
    }
    if (outcome.kind === 'interrupted' && attempt >= MOST_ATTEMPTS) {
      const { refusal } = outcome;
      return settleMessage(transaction, parts, message.id, {
        status: 'failed',
        reply: null,
        refusal,
        finishedAt,
      });
    }
    const counted = outcome.kind === 'interrupted' ? attempt : attempt - 1;
    transaction.run("UPDATE message SET status = 'queued', attempt = ? WHERE id = ?", counted, message.id);
    return [];
  }

  /** `step`, until the disk takes it: what an agent has answered is not thrown away because a disk is full. */
  async function stepUntilStored(
    agent: string,
    done: Delivery | null,
    outcome: Outcome | null,
  ): Promise<Step> {
    for (;;) {
      try {
        const ids = done ? [done.message.id] : [];
        return await storeCharges(ids, (transaction) => step(transaction, agent, done, outcome));
      } catch (error) {
        warn(`lane of ${agent}: ${error instanceof Error ? error.message : 'the store failed'}`);
        if (stopping) return NO_STEP;
        await new Promise<void>((resolve) => clock.after(STORE_RETRY_MS, resolve));
      }
    }
  }

  async function work(agent: string): Promise<void> {
    let done: Delivery | null = null;
    let outcome: Outcome | null = null;
    for (;;) {
      const next: Step = await stepUntilStored(agent, done, outcome);
      running.delete(agent);
      if (next.delivery) running.set(agent, next.delivery.message);
      for (const event of next.events) events.announce(event);
      if (outcome?.kind === 'wait') waiting.add(agent);
      if (!next.delivery) return;
      done = next.delivery;
      outcome = await deliver(done);
    }
  }

  function start(agent: string): void {
    if (stopping || waiting.has(agent) || active.has(agent)) return;
    const lane = work(agent).finally(() => {
      active.delete(agent);
      // A message may have come while the last look at the lane was being stored.
      if (hasQueued(agent)) start(agent);
    });
    active.set(agent, lane);
    lane.catch((error) =>
      warn(`lane of ${agent} stopped: ${error instanceof Error ? error.message : 'unknown'}`),
    );
  }

  function hasQueued(agent: string): boolean {
    if (stopping) return false;
    return (
      database.get(
        "SELECT 1 FROM message WHERE agent = ? AND status = 'queued' AND merged_into IS NULL LIMIT 1",
        agent,
      ) !== undefined
    );
  }

  return {
    async accept(message) {
      const acceptance = await database.write((transaction) =>
        acceptMessage(transaction, parts, { ...message, createdAt: isoTime(clock) }),
      );
      if (acceptance.accepted && acceptance.created) {
        acceptance.announce();
        start(message.agent);
      }
      return acceptance;
    },
    running: (agent) => running.get(agent) ?? null,
    find(messageId) {
      const row = database.get('SELECT * FROM message WHERE id = ?', messageId);
      return row ? messageOf(row) : null;
    },
    queued(agent) {
      const row = database.get(
        "SELECT COUNT(*) AS n FROM message WHERE agent = ? AND status = 'queued'",
        agent,
      );
      return integerOf(row ?? {}, 'n');
    },
    merge: (messageId, into) =>
      database.write(
        (transaction) =>
          transaction.run(
            `UPDATE message SET status = 'running', merged_into = ? WHERE id = ? AND status = 'queued'
             AND EXISTS (SELECT 1 FROM message WHERE id = ? AND status = 'running')`,
            into,
            messageId,
            into,
          ) > 0,
      ),
    async withdraw(messageId, refusal) {
      const announcements = await database.write((transaction) => {
        const queued = transaction.get(
          "SELECT 1 FROM message WHERE id = ? AND status = 'queued' AND merged_into IS NULL",
          messageId,
        );
        const settlement = { status: 'cancelled', reply: null, refusal, finishedAt: isoTime(clock) } as const;
        return queued ? settleMessage(transaction, parts, messageId, settlement) : [];
      });
      for (const event of announcements) events.announce(event);
      return announcements.length > 0;
    },
    charge(agent, charge, { id, traceId }) {
      const { chargedMicroUsd } = charge;
      const event = { type: 'model_charged', ...charge } as const;
      events.publish({ agent, messageId: id, traceId, event });
      charges.set(id, (charges.get(id) ?? 0) + chargedMicroUsd);
      if (chargesWait) return;
      chargesWait = true;
      clock.after(CHARGE_FLUSH_MS, () => {
        chargesWait = false;
        storeCharges([...charges.keys()]).catch((error) => warn(`costs were not noted: ${String(error)}`));
      });
    },
    async start() {
      const agents = await database.write((transaction) => {
        transaction.run(
          `UPDATE message SET status = 'queued', attempt = MAX(attempt - 1, 0), host_ends = host_ends + 1
           WHERE status = 'running' AND merged_into IS NULL`,
        );
        return transaction.all("SELECT DISTINCT agent FROM message WHERE status = 'queued'");
      });
      for (const row of agents) start(String(row.agent));
    },
    resume(agent) {
      waiting.delete(agent);
      start(agent);
    },
    async stop() {
      stopping = true;
      await Promise.allSettled(active.values());
      await storeCharges([...charges.keys()]);
    },
  };
}

const NO_STEP: Step = { delivery: null, events: [] };

const EXHAUSTED = {
  status: 'failed',
  reply: null,
  refusal: {
    code: 'unavailable',
    rule: 'lanes.attempts',
    message: 'This message was given to the agent again and again, and each time its turn was cut off.',
    remedy:
      'See with "./openlegion status" and "./openlegion audit tail" what ended the turns, then send it again.',
  },
} as const;
