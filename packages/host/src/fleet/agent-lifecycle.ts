import { type AgentStart, AgentStatus } from '@openlegion/contract/agent-api';
import type { FleetStatus } from '@openlegion/contract/control-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Refusal } from '@openlegion/contract/refusal';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { AgentSettings } from '../config/fleet-config.ts';
import type { EventLog, NewEvent } from '../delivery/event-log.ts';
import type { Delivery, Outcome } from '../lanes/delivery.ts';
import type { ConnectPipe, MeshHandler, PipeRequest, PipeResponse } from '../pipe/pipe.ts';
import type { SandboxBackend, SandboxExit } from '../sandbox/sandbox-backend.ts';
import { FLEET_LIMITS } from './fleet-limits.ts';
import { createHealthProbe } from './health-probe.ts';
import { describeExit, type OpenAgent, openAgent } from './open-agent.ts';
import { decideRestart } from './restart-policy.ts';
import { runTurn } from './run-turn.ts';

export type AgentState = FleetStatus['agents'][number]['state'];

/** What agents run on: ready when the engine answers and the image is there. Rejects with why not. */
export type Sandboxes = () => Promise<{ backend: SandboxBackend; image: string }>;

export interface LifecycleParts {
  installation: string;
  agent: AgentSettings;
  start: AgentStart;
  sandboxes: Sandboxes;
  connectPipe: ConnectPipe;
  handle: MeshHandler;
  modelCallsInFlight: () => number;
  audit: AuditLog;
  events: EventLog;
  clock: Clock;
  warn: (message: string) => void;
}

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

interface Running extends OpenAgent {
  /** Resolves with why it ended, for people. */
  ended: Promise<string>;
  /** Set before we end it ourselves; `expected` where that is no fault of the agent's. */
  asked: { why: string; expected: boolean } | null;
}

export function createAgentLifecycle(parts: LifecycleParts): AgentLifecycle {
  const { agent, audit, events, clock, warn } = parts;
  let current: Running | null = null;
  let starting: Promise<Running> | null = null;
  let abortStart = new AbortController();
  let ends: number[] = [];
  let startFailures = 0;
  let restarts = 0;
  let failed: Refusal | null = null;
  let reason: string | null = null;
  let turn: { delivery: Delivery; cancelled: boolean; cancelledEarly: () => void } | null = null;
  let cancelIdleStop: (() => void) | undefined;
  let stopped = false;
  const probe = createHealthProbe({
    clock,
    ask: async () => {
      if (!current) return null;
      const answer = await current.pipe.request({
        method: 'GET',
        path: '/status',
        headersTimeoutMs: FLEET_LIMITS.probeTimeoutMs,
      });
      return AgentStatus.parse(await answer.json());
    },
    callsInFlight: parts.modelCallsInFlight,
    onUnhealthy: (why) => current && endSoon(current, why, false),
  });

  function about(): Pick<NewEvent, 'agent' | 'messageId' | 'traceId'> {
    const message = turn?.delivery.message;
    return { agent: agent.name, messageId: message?.id ?? '', traceId: message?.traceId ?? '' };
  }

  async function tell(event: NewEvent['event']): Promise<void> {
    await events.record({ ...about(), event });
  }

  async function note(type: string, detail: Record<string, string | number | null>): Promise<void> {
    const { traceId } = about();
    await audit.record({ type, actor: 'host', subject: agent.name, traceId, detail });
  }

  function ensureReady(): Promise<Running> {
    if (stopped) return Promise.reject(stopping());
    if (current) return Promise.resolve(current);
    starting ??= start().finally(() => {
      starting = null;
    });
    return starting;
  }

  async function start(): Promise<Running> {
    abortStart = new AbortController();
    const { signal } = abortStart;
    const decision = decideRestart(ends, clock.now());
    if (!decision.restart) throw new OpenLegionError(setFailed());
    const waitMs =
      decision.afterMs + (startFailures === 0 ? 0 : FLEET_LIMITS.firstBackoffMs * 2 ** (startFailures - 1));
    await tell({
      type: 'agent_starting',
      reason: ends.length > 0 ? `restart after: ${reason ?? 'an end'}` : 'a message',
    });
    try {
      if (waitMs > 0) await pause(waitMs, signal);
      const { backend, image } = await parts.sandboxes();
      signal.throwIfAborted();
      await note('agent.starting', { image });
      const opened = await openAgent({ ...parts, backend, signal, spec: specOf(image) });
      if (ends.length > 0) restarts += 1;
      startFailures = 0;
      const running = watch(opened);
      await note('agent.started', {
        container: opened.sandbox.containerId,
        startMs: Math.round(opened.startMs),
      });
      await tell({ type: 'agent_ready', containerId: opened.sandbox.containerId, startMs: opened.startMs });
      reason = null;
      return running;
    } catch (error) {
      if (!signal.aborted) startFailures = Math.min(startFailures + 1, 6);
      const failure = error instanceof OpenLegionError ? error.refusal : startRefusal();
      if (!(error instanceof OpenLegionError)) warn(`${agent.name} could not be started: ${String(error)}`);
      reason = failure.message;
      await note('agent.start_failed', { rule: failure.rule, message: failure.message });
      throw new OpenLegionError(failure, { cause: error });
    }
  }

  function specOf(image: string) {
    const { memory_limit, cpu_limit, disk_limit, pids_limit } = agent.resources;
    return {
      installation: parts.installation,
      agent: agent.name,
      image,
      memoryBytes: memory_limit,
      cpus: cpu_limit,
      pids: pids_limit,
      dataBytes: disk_limit,
    };
  }

  /** From here on the end of the pipe or of the container is the end of both. */
  function watch(opened: OpenAgent): Running {
    const ended = Promise.withResolvers<string>();
    const running: Running = { ...opened, ended: ended.promise, asked: null };
    current = running;
    probe.start();
    const pipeEnded = opened.pipe.closed.then(async ({ cause, reason: why }) => {
      await opened.sandbox.stop(cause === 'protocol' ? 0 : FLEET_LIMITS.stopGraceMs);
      return cause === 'protocol' ? why : null;
    });
    void Promise.all([opened.sandbox.exited, pipeEnded])
      .then(([exit, protocol]) => afterEnd(running, exit, protocol))
      .catch((error) => {
        warn(`the end of ${agent.name} was not recorded: ${String(error)}`);
        return 'its end could not be recorded.';
      })
      .then(ended.resolve);
    void opened.sandbox.exited.then(() => opened.pipe.close('the container ended'));
    return running;
  }

  async function afterEnd(running: Running, exit: SandboxExit, protocol: string | null): Promise<string> {
    probe.stop();
    cancelIdleStop?.();
    if (current === running) current = null;
    const { asked } = running;
    const why =
      asked?.why ??
      (protocol === null ? describeExit(exit) : `it broke the protocol of its pipe (${protocol}).`);
    if (!asked?.expected) {
      ends = [...ends, clock.now()].slice(-10);
      reason = why;
      if (exit.stderr !== '')
        warn(`${agent.name} wrote before its end: ${JSON.stringify(exit.stderr.slice(-2000))}`);
      if (!decideRestart(ends, clock.now()).restart) setFailed();
    }
    await note('agent.stopped', { cause: exit.cause, code: exit.exitCode, why: why.slice(0, 500) });
    await tell({ type: 'agent_stopped', reason: why });
    return why;
  }

  function setFailed(): Refusal {
    failed = {
      code: 'unavailable',
      rule: 'fleet.restart_limit',
      message:
        `${agent.name} ended ${ends.length} times within the hour and is not started again: ${reason ?? ''}`.trim(),
      remedy: `Its messages wait. Remove the cause, then send it a message: openlegion chat ${agent.name}`,
    };
    return failed;
  }

  async function end(running: Running, why: string, expected: boolean): Promise<void> {
    running.asked ??= { why, expected };
    await running.sandbox.stop(expected ? FLEET_LIMITS.stopGraceMs : 0);
    await running.ended;
  }

  function endSoon(running: Running, why: string, expected: boolean): void {
    end(running, why, expected).catch((error) =>
      warn(`${agent.name} could not be stopped: ${String(error)}`),
    );
  }

  function idleLater(): void {
    cancelIdleStop?.();
    cancelIdleStop = clock.after(agent.idle_stop, () => {
      if (current && !turn) endSoon(current, 'it had nothing to do.', true);
    });
  }

  async function deliver(delivery: Delivery): Promise<Outcome> {
    if (failed) {
      await events.record({ ...idsOf(delivery), event: { type: 'refused', refusal: failed } });
      return { kind: 'wait' };
    }
    const early = Promise.withResolvers<null>();
    const own = { delivery, cancelled: false, cancelledEarly: () => early.resolve(null) };
    turn = own;
    cancelIdleStop?.();
    try {
      const ready = ensureReady();
      const running = await Promise.race([ready, early.promise]);
      if (running === null) {
        // The start goes on, for what comes next.
        ready.catch(() => {});
        return CANCELLED;
      }
      const { signal } = abortStart;
      const publish = (event: Parameters<Parameters<typeof runTurn>[2]>[0]) =>
        events.publish({ ...idsOf(delivery), event: { type: 'turn', turn: event } });
      const outcome = await runTurn(running.pipe, delivery, publish, signal);
      if (outcome.kind !== 'interrupted') return outcome;
      if (stopped) return { kind: 'wait' };
      if (own.cancelled) return CANCELLED;
      return await explain(running, outcome.refusal);
    } catch (error) {
      if (stopped) return { kind: 'wait' };
      if (own.cancelled) return CANCELLED;
      if (failed) return { kind: 'wait' };
      return {
        kind: 'interrupted',
        refusal: error instanceof OpenLegionError ? error.refusal : startRefusal(),
      };
    } finally {
      turn = null;
      idleLater();
    }
  }

  /** Why the turn was cut off: the end of the container says more than that of the stream, which comes first. */
  async function explain(running: Running, refusal: Refusal): Promise<Outcome> {
    if (current === running && refusal.rule === 'fleet.turn_stream')
      await end(running, refusal.message, false);
    const late = Promise.withResolvers<null>();
    const cancel = clock.after(FLEET_LIMITS.endAfterTurnMs, () => late.resolve(null));
    const over = await Promise.race([running.pipe.closed, late.promise]);
    cancel();
    if (over === null) return { kind: 'interrupted', refusal };
    const message = `${agent.name} ended in the middle of its turn: ${await running.ended}`;
    return { kind: 'interrupted', refusal: { ...refusal, rule: 'fleet.agent_ended', message } };
  }

  return {
    deliver,
    async request(request) {
      const running = await ensureReady();
      if (!turn) idleLater();
      return running.pipe.request(request);
    },
    async steer(text) {
      if (!current || !turn) return false;
      const body = JSON.stringify({ text });
      const answer = await current.pipe.request({ method: 'POST', path: '/chat/steer', body });
      answer.body.destroy();
      return answer.status === 202;
    },
    async cancel() {
      const own = turn;
      if (!own) return false;
      own.cancelled = true;
      if (!current) {
        own.cancelledEarly();
        return true;
      }
      const running = current;
      clock.after(FLEET_LIMITS.cancelGraceMs, () => {
        if (turn === own && current === running)
          endSoon(running, 'it did not end a turn that was cancelled.', true);
      });
      const body = JSON.stringify({ messageId: own.delivery.message.id });
      const answer = await running.pipe.request({ method: 'POST', path: '/cancel', body });
      answer.body.destroy();
      return true;
    },
    forgive() {
      failed = null;
      ends = [];
      startFailures = 0;
    },
    failure: () => failed,
    async status() {
      const state = failed
        ? 'failed'
        : current
          ? turn
            ? 'busy'
            : 'idle'
          : starting
            ? reason
              ? 'failing'
              : 'starting'
            : 'stopped';
      const memoryBytes = current ? await memoryOf(current) : null;
      return {
        state,
        containerId: current?.sandbox.containerId ?? null,
        memoryBytes,
        restarts,
        reason: failed?.message ?? reason,
      };
    },
    async stop(why) {
      stopped = true;
      abortStart.abort();
      cancelIdleStop?.();
      await starting?.catch(() => {});
      if (current) await end(current, why, true);
    },
  };

  async function memoryOf(running: Running): Promise<number | null> {
    const late = Promise.withResolvers<null>();
    const cancel = clock.after(1000, () => late.resolve(null));
    try {
      return await Promise.race([running.sandbox.stats().then((stats) => stats.memoryBytes), late.promise]);
    } catch {
      return null;
    } finally {
      cancel();
    }
  }

  function pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = clock.after(ms, resolve);
      signal.addEventListener('abort', () => {
        cancel();
        reject(stopping());
      });
    });
  }
}

const CANCELLED: Outcome = { kind: 'ended', status: 'cancelled', text: '', refusal: null };

function idsOf({ message }: Delivery): Pick<NewEvent, 'agent' | 'messageId' | 'traceId'> {
  return { agent: message.agent, messageId: message.id, traceId: message.traceId };
}

function stopping(): OpenLegionError {
  return new OpenLegionError({
    code: 'unavailable',
    rule: 'fleet.stopping',
    message: 'The agent is being stopped.',
    remedy: 'Send the message again when OpenLegion has started.',
  });
}

function startRefusal(): Refusal {
  return {
    code: 'internal',
    rule: 'fleet.start',
    message: 'The agent could not be started because of an error of the host.',
    remedy: 'Look in the log of the host for this time.',
  };
}
