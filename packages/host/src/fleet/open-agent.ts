import { type AgentStart, AgentStatus } from '@openlegion/contract/agent-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Clock } from '../clock.ts';
import type { ConnectPipe, MeshHandler, Pipe } from '../pipe/pipe.ts';
import type { Sandbox, SandboxBackend, SandboxExit, SandboxSpec } from '../sandbox/sandbox-backend.ts';
import { FLEET_LIMITS } from './fleet-limits.ts';

export interface OpenAgent {
  sandbox: Sandbox;
  pipe: Pipe;
  /** What it was told. */
  start: AgentStart;
  startMs: number;
}

/**
 * Starts a sandbox and brings the agent in it to where it takes messages: pipe, first answer, processor limit, and
 * only then `/start`, which loads what is in /data. The limit is on after 2 s even if the agent has not answered.
 * When any step fails or `signal` aborts, the sandbox is removed and an OpenLegionError says why.
 */
export async function openAgent(options: {
  backend: SandboxBackend;
  connectPipe: ConnectPipe;
  spec: SandboxSpec;
  start: () => Promise<AgentStart>;
  /** Before the agent is started: what it is given of skills. */
  giveSkills?: (pipe: Pipe) => Promise<void>;
  handle: MeshHandler;
  clock: Clock;
  signal: AbortSignal;
}): Promise<OpenAgent> {
  const { backend, connectPipe, spec, handle, clock, signal } = options;
  const began = clock.now();
  const starting = options.start();
  starting.catch(() => {});
  const sandbox = await backend.start(spec, signal);
  const clampOnce = once(() => sandbox.clamp());
  const cancelClamp = clock.after(FLEET_LIMITS.clampAfterMs, () => void clampOnce().catch(() => {}));
  const onAbort = () => void sandbox.stop(0).catch(() => {});
  signal.addEventListener('abort', onAbort);
  try {
    const pipe = await connectPipe({ bytes: sandbox.pipe, handle });
    const status = AgentStatus.safeParse(
      await (await pipe.request({ method: 'GET', path: '/status' })).json(),
    );
    if (!status.success) throw notAnAgent('answered /status with something else than a status');
    await clampOnce();
    const start = await starting;
    await options.giveSkills?.(pipe);
    const started = await pipe.request({
      method: 'POST',
      path: '/start',
      body: JSON.stringify(start),
      headersTimeoutMs: 30_000,
    });
    if (started.status !== 204) throw notAnAgent(`answered /start with ${started.status}`);
    signal.throwIfAborted();
    return { sandbox, pipe, start, startMs: clock.now() - began };
  } catch (cause) {
    await sandbox.stop(0);
    throw startFailure(await sandbox.exited, cause);
  } finally {
    cancelClamp();
    signal.removeEventListener('abort', onAbort);
  }
}

function once<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= run();
    return running;
  };
}

/** Where the container ended by itself, that says more than the broken pipe it left. */
function startFailure(exit: SandboxExit, cause: unknown): OpenLegionError {
  if (exit.cause === 'stopped' && cause instanceof OpenLegionError) return cause;
  return new OpenLegionError(
    {
      code: 'unavailable',
      rule: 'fleet.start',
      message: `The agent ended while it started: ${describeExit(exit)}`,
      remedy:
        'Look at the log of the host for what it wrote; "./openlegion verify" checks the sandbox itself.',
    },
    { cause },
  );
}

/** One sentence for people, without what the agent itself wrote. */
export function describeExit({ cause, exitCode, reason }: SandboxExit): string {
  if (reason !== '') return `${reason.slice(0, 300)}.`;
  switch (cause) {
    case 'stopped':
      return 'it was stopped.';
    case 'exited':
      return `its program ended by itself with code ${exitCode}.`;
    case 'killed':
      return 'it was killed from outside.';
    case 'out_of_memory':
      return 'it used more memory than resources.memory_limit allows.';
    case 'limit':
      return 'it went over a limit.';
  }
}

function notAnAgent(what: string): OpenLegionError {
  return new OpenLegionError({
    code: 'upstream_failed',
    rule: 'fleet.start',
    message: `What runs in the sandbox ${what}.`,
    remedy: 'Check the image and, where set, the command of this agent.',
  });
}
