import { type AgentStart, AgentStatus } from '@openlegion/contract/agent-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Refusal } from '@openlegion/contract/refusal';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { AgentSettings } from '../config/fleet-config.ts';
import type { EventLog, NewEvent } from '../delivery/event-log.ts';
import type { ImageFor } from '../image/create-image-for.ts';
import { variantOfAgent } from '../image/variant-of-agent.ts';
import { pause } from '../pause.ts';
import type { ConnectPipe, MeshHandler, Pipe } from '../pipe/pipe.ts';
import type { SandboxBackend, SandboxExit, SandboxSpec } from '../sandbox/sandbox-backend.ts';
import { agentResources } from './agent-resources.ts';
import { FLEET_LIMITS } from './fleet-limits.ts';
import { createHealthProbe } from './health-probe.ts';
import { isMachineTrouble } from './machine-trouble.ts';
import { describeExit, type OpenAgent, openAgent } from './open-agent.ts';
import { decideRestart } from './restart-policy.ts';

/** What agents run on: ready when the engine answers and the image is there. Rejects with why not. */
export type Sandboxes = () => Promise<{
  backend: SandboxBackend;
  /** The plain one. */
  image: string;
  imageFor: ImageFor;
}>;

export interface ContainerParts {
  installation: string;
  agent: string;
  /** As they are now. */
  settings: () => AgentSettings;
  /** What the agent is told when it starts. */
  start: () => Promise<AgentStart>;
  /** Gives it its skills where they have changed since this pipe was given them. */
  giveSkills?: (pipe: Pipe) => Promise<void>;
  sandboxes: Sandboxes;
  connectPipe: ConnectPipe;
  handle: MeshHandler;
  modelCallsInFlight: () => number;
  /** Whether the disk with the installation's data is full. */
  diskIsFull: () => boolean;
  audit: AuditLog;
  events: EventLog;
  clock: Clock;
  warn: (message: string) => void;
}

/** An agent that takes messages. */
export interface RunningAgent extends OpenAgent {
  /** Resolves with why it ended, for people, when that is recorded. */
  ended: Promise<string>;
  /** Set before we end it ourselves; `expected` where that is no fault of the agent's. */
  asked: { why: string; expected: boolean } | null;
  /** Its pipe has ended: nothing more can be asked of it. */
  over: boolean;
  /** All that is fixed at its start. */
  fixed: string;
}

/**
 * The container of one agent, from start to end and again: at most one at a time, probed while it runs, restarted
 * within bounds. Every start and every end is recorded, and told to the trace of the message that it concerns.
 */
export interface AgentContainer {
  /** The running agent, started where none runs. Rejects with why it cannot be. Shared by all who wait. */
  ready(): Promise<RunningAgent>;
  current(): RunningAgent | null;
  end(running: RunningAgent, why: string, expected: boolean): Promise<void>;
  /** Whether what the running agent was started with is what it would be started with now. */
  isCurrent(running: RunningAgent): Promise<boolean>;
  /** Why it is not started until `forgive`; null otherwise. */
  failure(): Refusal | null;
  forgive(): void;
  /** Aborts when the whole host stops. */
  readonly stopping: AbortSignal;
  state(): { starting: boolean; restarts: number; reason: string | null };
  stop(why: string): Promise<void>;
}

export function createAgentContainer(
  parts: ContainerParts & {
    /** The message in whose turn things happen now. */
    about: () => Pick<NewEvent, 'messageId' | 'traceId'>;
  },
): AgentContainer {
  const { agent, audit, events, clock, warn, about } = parts;
  const stop = new AbortController();
  const signal = stop.signal;
  let current: RunningAgent | null = null;
  let starting: Promise<RunningAgent> | null = null;
  let ends: number[] = [];
  let startFailures = 0;
  /** What keeps every start from succeeding, told and recorded once: it is tried again every few seconds. */
  let trouble: string | null = null;
  let restarts = 0;
  let failed: Refusal | null = null;
  let reason: string | null = null;
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
    inTurn: () => about().messageId !== '',
    onUnhealthy(why) {
      if (!current) return;
      end(current, why, false).catch((error) => warn(`${agent} could not be ended: ${String(error)}`));
    },
  });

  async function tell(event: NewEvent['event']): Promise<void> {
    await events.record({ agent: agent, ...about(), event });
  }

  async function note(type: string, detail: Record<string, string | number | null>): Promise<void> {
    const { traceId } = about();
    await audit.record({ type, actor: 'host', subject: agent, traceId, detail });
  }

  function ready(): Promise<RunningAgent> {
    if (signal.aborted) return Promise.reject(stoppingError());
    if (current && !current.over && !current.asked) return Promise.resolve(current);
    starting ??= startAfter(current).finally(() => {
      starting = null;
    });
    return starting;
  }

  /** One at a time: two containers of an agent would share its volume. */
  async function startAfter(ending: RunningAgent | null): Promise<RunningAgent> {
    await ending?.ended;
    return start();
  }

  async function start(): Promise<RunningAgent> {
    const decision = decideRestart(ends, clock.now());
    if (!decision.restart) throw new OpenLegionError(setFailed());
    const waitMs =
      decision.afterMs + (startFailures === 0 ? 0 : FLEET_LIMITS.firstBackoffMs * 2 ** (startFailures - 1));
    if (trouble === null) {
      const why = ends.length > 0 ? `restart after: ${reason ?? 'an end'}` : 'a message';
      await tell({ type: 'agent_starting', reason: why });
    }
    try {
      if (waitMs > 0) await pause(clock, waitMs, signal);
      if (signal.aborted) throw stoppingError();
      const { backend, imageFor } = await parts.sandboxes();
      const image = await imageFor(variantOfAgent(parts.settings()));
      signal.throwIfAborted();
      if (trouble === null) await note('agent.starting', { image });
      const spec = specOf(image);
      const opened = await openAgent({ ...parts, backend, signal, spec });
      if (ends.length > 0) restarts += 1;
      startFailures = 0;
      trouble = null;
      const running = watch(opened, fixedOf(opened.start, spec));
      await note('agent.started', {
        container: opened.sandbox.containerId,
        startMs: Math.round(opened.startMs),
      });
      await tell({ type: 'agent_ready', containerId: opened.sandbox.containerId, startMs: opened.startMs });
      reason = null;
      return running;
    } catch (error) {
      const failure = error instanceof OpenLegionError ? error.refusal : startRefusal();
      const known = trouble === failure.message;
      trouble = isMachineTrouble(failure) ? failure.message : null;
      if (!signal.aborted && trouble === null) startFailures = Math.min(startFailures + 1, 6);
      if (!(error instanceof OpenLegionError)) warn(`${agent} could not be started: ${String(error)}`);
      reason = failure.message;
      if (!known) await note('agent.start_failed', { rule: failure.rule, message: failure.message });
      throw new OpenLegionError(failure, { cause: error });
    }
  }

  function specOf(image: string): SandboxSpec {
    return {
      installation: parts.installation,
      agent,
      image,
      ...agentResources(parts.settings()),
    };
  }

  /** From here on the end of the pipe or of the container is the end of both. */
  function watch(opened: OpenAgent, fixed: string): RunningAgent {
    const ended = Promise.withResolvers<string>();
    const running: RunningAgent = { ...opened, fixed, ended: ended.promise, asked: null, over: false };
    current = running;
    probe.start();
    const pipeEnded = opened.pipe.closed.then(async ({ cause, reason: why }) => {
      running.over = true;
      await opened.sandbox.stop(cause === 'protocol' ? 0 : FLEET_LIMITS.stopGraceMs);
      return cause === 'protocol' ? why : null;
    });
    void Promise.all([opened.sandbox.exited, pipeEnded])
      .then(([exit, protocol]) => afterEnd(running, exit, protocol))
      .catch((error) => {
        warn(`the end of ${agent} was not recorded: ${String(error)}`);
        return 'its end could not be recorded.';
      })
      .then(ended.resolve);
    void opened.sandbox.exited.then(() => opened.pipe.close('the container ended'));
    return running;
  }

  async function afterEnd(
    running: RunningAgent,
    exit: SandboxExit,
    protocol: string | null,
  ): Promise<string> {
    probe.stop();
    if (current === running) current = null;
    const { asked } = running;
    const why =
      asked?.why ??
      (protocol === null ? describeExit(exit) : `it broke the protocol of its pipe (${protocol}).`);
    if (!asked?.expected) {
      ends = [...ends, clock.now()].slice(-10);
      reason = why;
      if (exit.stderr !== '')
        warn(`${agent} wrote before its end: ${JSON.stringify(exit.stderr.slice(-2000))}`);
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
        `${agent} ended ${ends.length} times within the hour and is not started again: ${reason ?? ''}`.trim(),
      remedy: `Its messages wait. Remove the cause, then send it a message: ./openlegion chat ${agent}`,
    };
    return failed;
  }

  async function end(running: RunningAgent, why: string, expected: boolean): Promise<void> {
    running.asked ??= { why, expected };
    await running.sandbox.stop(expected ? FLEET_LIMITS.stopGraceMs : 0);
    await running.ended;
  }

  return {
    ready,
    current: () => current,
    end,
    async isCurrent({ fixed }) {
      return fixed === fixedOf(await parts.start(), specOf(''));
    },
    failure: () => failed,
    forgive() {
      failed = null;
      ends = [];
      startFailures = 0;
    },
    stopping: signal,
    state: () => ({ starting: starting !== null, restarts, reason }),
    async stop(why) {
      stop.abort();
      await starting?.catch(() => {});
      if (current) await end(current, why, true);
    },
  };
}

/**
 * Without the authority's certificate, which the gateway makes anew: its key, and so what it signs, stays the same.
 * Without the image, which follows from the rest and may have to be built first.
 */
function fixedOf({ egress, ...start }: AgentStart, { image: _built, ...spec }: SandboxSpec): string {
  return JSON.stringify([start, egress.environment, spec]);
}

function stoppingError(): OpenLegionError {
  return new OpenLegionError({
    code: 'unavailable',
    rule: 'fleet.stopping',
    message: 'The agent is being stopped.',
    remedy: 'Send the message again when OpenLegion has started.',
  });
}

export function startRefusal(): Refusal {
  return {
    code: 'internal',
    rule: 'fleet.start',
    message: 'The agent could not be started because of an error of the host.',
    remedy: 'Look in the log of the host for this time.',
  };
}
