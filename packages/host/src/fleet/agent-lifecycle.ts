import type { FleetStatus } from '@openlegion/contract/control-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Refusal } from '@openlegion/contract/refusal';
import type { TurnEvent } from '@openlegion/contract/turn-event';
import type { NewEvent } from '../delivery/event-log.ts';
import type { Delivery, Outcome } from '../lanes/delivery.ts';
import { pause } from '../pause.ts';
import type { PipeRequest, PipeResponse } from '../pipe/pipe.ts';
import {
  type ContainerParts,
  createAgentContainer,
  type RunningAgent,
  startRefusal,
} from './agent-container.ts';
import { DISK_FULL } from './disk-is-full.ts';
import { FLEET_LIMITS } from './fleet-limits.ts';
import { isMachineTrouble } from './machine-trouble.ts';
import { runTurn } from './run-turn.ts';

export type AgentState = FleetStatus['agents'][number]['state'];

/**
 * One agent from stopped to stopped: started by the first message, watched, restarted within bounds, stopped when
 * idle. What ended it is recorded and shown until it runs again.
 */
export interface AgentLifecycle {
  deliver(delivery: Delivery): Promise<Outcome>;
  /** Any other request of the host; wakes the agent. */
  request(request: PipeRequest): Promise<PipeResponse>;
  /** True when the agent took the text into the turn that runs. */
  steer(text: string): Promise<boolean>;
  /** True when a turn runs; it is ended by force where the agent does not end it. */
  cancel(): Promise<boolean>;
  /** Replaces the container, after the turn that runs, when what is fixed at its start has changed; true when so. */
  refresh(): Promise<boolean>;
  /** Forgets past failures: the next message tries again. */
  forgive(): void;
  /** Why it takes nothing until `forgive`; null otherwise. */
  failure(): Refusal | null;
  status(): Promise<{
    state: AgentState;
    containerId: string | null;
    memoryBytes: number | null;
    restarts: number;
    reason: string | null;
  }>;
  stop(reason: string): Promise<void>;
}

export function createAgentLifecycle(parts: ContainerParts): AgentLifecycle {
  const { agent, events, clock, warn } = parts;
  let turn: Own | null = null;
  let cancelIdleStop: (() => void) | undefined;
  let lastTold = '';
  /** To be replaced when the turn is over. */
  let outdated: RunningAgent | null = null;
  const container = createAgentContainer({
    ...parts,
    about: () => (turn ? idsOf(turn.delivery) : { messageId: '', traceId: '' }),
  });

  function endSoon(running: RunningAgent, why: string): void {
    container.end(running, why, true).catch((error) => warn(`${agent} could not be ended: ${String(error)}`));
  }

  function idleLater(): void {
    cancelIdleStop?.();
    cancelIdleStop = clock.after(parts.settings().idle_stop, () => {
      const running = container.current();
      if (running && !turn) endSoon(running, 'it had nothing to do.');
    });
  }

  async function deliver(delivery: Delivery): Promise<Outcome> {
    const failed = container.failure();
    if (failed) {
      await events.record({ ...idsOf(delivery), event: { type: 'refused', refusal: failed } });
      return { kind: 'wait' };
    }
    const early = Promise.withResolvers<null>();
    const own = { delivery, cancelled: false, cancelledEarly: () => early.resolve(null) };
    turn = own;
    cancelIdleStop?.();
    try {
      const outcome = await turnOf(own, early.promise);
      if (!own.cancelled && endedByDisk(outcome) && parts.diskIsFull())
        return await waitForRoom(own, early.promise);
      return outcome.kind === 'interrupted' && own.cancelled ? CANCELLED : outcome;
    } catch (error) {
      if (own.cancelled) return CANCELLED;
      if (container.stopping.aborted || container.failure()) return { kind: 'wait' };
      const refusal = error instanceof OpenLegionError ? error.refusal : startRefusal();
      if (!isMachineTrouble(refusal)) return { kind: 'interrupted', refusal };
      await tellWaiting(delivery, refusal);
      await retryLater(early.promise);
      return own.cancelled ? CANCELLED : { kind: 'again' };
    } finally {
      turn = null;
      endOutdated();
      idleLater();
    }
  }

  function endOutdated(): void {
    if (outdated && outdated === container.current() && !turn) endSoon(outdated, CHANGED);
    if (!turn) outdated = null;
  }

  async function retryLater(cancelledEarly: Promise<null>): Promise<void> {
    await Promise.race([pause(clock, FLEET_LIMITS.machineRetryMs, container.stopping), cancelledEarly]);
  }

  /**
   * A full disk of ours ends turns of agents whose volumes are files on it, and their file systems with them: that
   * is no fault of the message, which is given again, to a new container, when there is room.
   */
  async function waitForRoom(own: Own, cancelledEarly: Promise<null>): Promise<Outcome> {
    events.publish({ ...idsOf(own.delivery), event: { type: 'refused', refusal: DISK_FULL } });
    const running = container.current();
    if (running) await container.end(running, 'the disk is full.', true);
    while (!own.cancelled && !container.stopping.aborted && parts.diskIsFull())
      await retryLater(cancelledEarly);
    if (container.stopping.aborted) return { kind: 'wait' };
    return own.cancelled ? CANCELLED : { kind: 'again' };
  }

  /** Why the message waits is told once: it may wait for hours. */
  async function tellWaiting(delivery: Delivery, refusal: Refusal): Promise<void> {
    const told = `${delivery.message.id} ${refusal.rule}`;
    if (told === lastTold || refusal.rule.startsWith('store.')) return;
    lastTold = told;
    const remedy = `${refusal.remedy} The message waits for it and is answered then.`;
    await events.record({ ...idsOf(delivery), event: { type: 'refused', refusal: { ...refusal, remedy } } });
  }

  async function turnOf(own: Own, cancelledEarly: Promise<null>): Promise<Outcome> {
    const { delivery } = own;
    const ready = container.ready();
    const running = await Promise.race([ready, cancelledEarly]);
    if (running === null) {
      // The start goes on, for what comes next.
      ready.catch(() => {});
      return CANCELLED;
    }
    await parts.giveSkills?.(running.pipe);
    if (own.cancelled) return CANCELLED;
    const publish = (event: TurnEvent) =>
      events.publish({ ...idsOf(delivery), event: { type: 'turn', turn: event } });
    const outcome = await runTurn(running.pipe, delivery, publish, container.stopping);
    if (outcome.kind !== 'interrupted') return outcome;
    return container.stopping.aborted ? { kind: 'wait' } : explain(running, outcome.refusal);
  }

  /** Why the turn was cut off: the end of the container says more than that of the stream, which comes first. */
  async function explain(running: RunningAgent, refusal: Refusal): Promise<Outcome> {
    if (!running.over && refusal.rule === 'fleet.turn_stream') {
      await container.end(running, refusal.message, false);
    }
    const late = Promise.withResolvers<null>();
    const cancel = clock.after(FLEET_LIMITS.endAfterTurnMs, () => late.resolve(null));
    const over = await Promise.race([running.pipe.closed, late.promise]);
    cancel();
    if (over === null) return { kind: 'interrupted', refusal };
    const message = `${agent} ended in the middle of its turn: ${await running.ended}`;
    return { kind: 'interrupted', refusal: { ...refusal, rule: 'fleet.agent_ended', message } };
  }

  return {
    deliver,
    async request(request) {
      const running = await container.ready();
      if (!turn) idleLater();
      return running.pipe.request(request);
    },
    async steer(text) {
      const running = container.current();
      if (!running || !turn) return false;
      const body = JSON.stringify({ text });
      const answer = await running.pipe.request({ method: 'POST', path: '/chat/steer', body });
      answer.body.destroy();
      return answer.status === 202;
    },
    async cancel() {
      const own = turn;
      if (!own) return false;
      own.cancelled = true;
      // Where no container has been given the turn yet, also because one is just being replaced, none is.
      own.cancelledEarly();
      const running = container.current();
      if (!running || running.asked || running.over) return true;
      clock.after(FLEET_LIMITS.cancelGraceMs, () => {
        if (turn === own && container.current() === running)
          endSoon(running, 'it did not end a turn that was cancelled.');
      });
      try {
        const body = JSON.stringify({ messageId: own.delivery.message.id });
        const answer = await running.pipe.request({ method: 'POST', path: '/cancel', body });
        answer.body.destroy();
      } catch (error) {
        // An agent that does not even answer is ended by the timer above.
        warn(`${agent} did not take the cancellation: ${String(error)}`);
      }
      return true;
    },
    async refresh() {
      const running = container.current();
      if (!running || running.asked || (await container.isCurrent(running))) return false;
      outdated = running;
      endOutdated();
      return true;
    },
    forgive: container.forgive,
    failure: container.failure,
    async status() {
      const running = container.current();
      const { restarts, reason } = container.state();
      return {
        state: stateNow(running),
        containerId: running?.sandbox.containerId ?? null,
        memoryBytes: running ? await memoryOf(running) : null,
        restarts,
        reason: container.failure()?.message ?? reason,
      };
    },
    async stop(why) {
      cancelIdleStop?.();
      await container.stop(why);
    },
  };

  function stateNow(running: RunningAgent | null): AgentState {
    if (container.failure()) return 'failed';
    if (running) return turn ? 'busy' : 'idle';
    const { starting, reason } = container.state();
    if (!starting) return 'stopped';
    return reason === null ? 'starting' : 'failing';
  }

  async function memoryOf(running: RunningAgent): Promise<number | null> {
    const late = Promise.withResolvers<null>();
    const cancel = clock.after(1000, () => late.resolve(null));
    try {
      return await Promise.race([running.sandbox.stats().then((stats) => stats.memoryBytes), late.promise]);
    } catch {
      // A container that is just ending has no figures.
      return null;
    } finally {
      cancel();
    }
  }
}

/** The turn that runs. */
interface Own {
  delivery: Delivery;
  cancelled: boolean;
  cancelledEarly: () => void;
}

/** The agent's own word counts only together with what the host sees of the disk. */
function endedByDisk(outcome: Outcome): boolean {
  if (outcome.kind === 'interrupted') return true;
  return outcome.kind === 'ended' && outcome.status === 'failed' && outcome.refusal?.rule === 'agent.history';
}

const CHANGED = 'its configuration changed.';

const CANCELLED: Outcome = { kind: 'ended', status: 'cancelled', text: '', refusal: null };

function idsOf({ message }: Delivery): Pick<NewEvent, 'agent' | 'messageId' | 'traceId'> {
  return { agent: message.agent, messageId: message.id, traceId: message.traceId };
}
