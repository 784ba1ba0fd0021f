import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { AttachObserver, AttachStream } from '../engine/attach-stream.ts';
import type { EngineClient } from '../engine/engine-client.ts';
import { EngineError } from '../engine/engine-error.ts';
import { type ByteRate, createByteRateLimit, STDERR_RATE, STDOUT_RATE } from './byte-rate.ts';
import { cpuLimit } from './container-spec.ts';
import type { DataVolume } from './data-volumes.ts';
import { decideExit } from './decide-exit.ts';
import type { Sandbox, SandboxExit, SandboxSpec, SandboxStats } from './sandbox-backend.ts';
import { createStderrTail } from './stderr-tail.ts';

const DISK_POLL_MS = 2000;
/** How long the last output of an ended container may take, where its reader is slow. */
const LAST_OUTPUT_MS = 500;

/**
 * Watches what a container writes. It exists before the container is attached, and learns the container's end from
 * `onLimit`.
 */
export interface OutputWatch extends AttachObserver {
  onLimit: (reason: string) => void;
  stderrText(): string;
}

export function watchOutput(nowMs: () => number): OutputWatch {
  const stdout = createByteRateLimit(STDOUT_RATE, nowMs);
  const stderr = createByteRateLimit(STDERR_RATE, nowMs);
  const tail = createStderrTail();
  const tooMuch = (stream: string, { bytesPerSecond }: ByteRate) =>
    watch.onLimit(`it wrote more to standard ${stream} than ${bytesPerSecond / (1024 * 1024)} MB a second`);
  const watch: OutputWatch = {
    onLimit: () => {},
    stderrText: () => tail.text(),
    onStdout(bytes) {
      if (!stdout(bytes)) tooMuch('output', STDOUT_RATE);
    },
    onStderr(chunk) {
      tail.write(chunk);
      if (!stderr(chunk.length)) tooMuch('error', STDERR_RATE);
    },
  };
  return watch;
}

export interface RunningContainer {
  engine: EngineClient;
  containerId: string;
  spec: SandboxSpec;
  attached: AttachStream;
  watch: OutputWatch;
  /** The engine's `wait`, asked before the start. */
  waited: Promise<number>;
  volume: DataVolume | null;
  clampable: boolean;
  /** Its container could not be removed: the engine was away. It may run on and hold the volume. */
  onUnremoved: () => void;
}

/** Owns one started container to its end: bounds its output, finds why it ended, removes it, frees its volume. */
export function createDockerSandbox(running: RunningContainer): Sandbox {
  const { engine, containerId, spec, attached, watch, volume } = running;
  let limit: string | null = null;
  let stopRequested = false;
  let killed = false;
  let over = false;

  const kill = () => {
    killed = true;
    // Nothing is read from it any more: what it still writes must not cost the host anything.
    attached.pipe.destroy();
    // A failed kill is followed by the removal, which kills as well; the engine's absence shows in `waited`.
    engine.killContainer(containerId).catch(() => {});
  };
  const endByLimit = (reason: string) => {
    if (limit || over) return;
    limit = reason;
    kill();
  };
  watch.onLimit = endByLimit;
  const stopPolling = volume?.usedBytes
    ? pollDisk(volume.usedBytes, spec.dataBytes ?? 0, endByLimit)
    : () => {};

  const end = async (): Promise<SandboxExit> => {
    let exitCode: number | null = null;
    let lost: string | null = null;
    try {
      exitCode = await running.waited;
    } catch (error) {
      lost =
        error instanceof EngineError && error.status === 404
          ? 'its container was removed from outside'
          : 'the container engine went away';
    }
    over = true;
    stopPolling();
    const state = await engine.containerState(containerId).catch(() => null);
    if (exitCode !== null && state === null) lost = 'its container was removed from outside';
    // What cannot be removed now is removed before the agent's next start, or by its label at the host's.
    await engine.removeContainer(containerId).catch(() => running.onUnremoved());
    await Promise.all([settled(attached.closed, LAST_OUTPUT_MS), volume?.release().catch(() => {})]);
    // Asked to end, an agent ends by itself: a SIGKILL that is not ours came from elsewhere, as does its loss.
    const stopped = stopRequested && (killed || (exitCode !== null && exitCode !== 137));
    const oomKilled = state?.OOMKilled || (engine.flavour === 'podman' ? null : false);
    const facts = { limit, stopRequested: stopped, exitCode, oomKilled, lost, memoryBytes: spec.memoryBytes };
    return { ...decideExit(facts), stderr: watch.stderrText() };
  };
  const exited = end();

  const stop = async (graceMs: number) => {
    stopRequested = true;
    if (!over) attached.pipe.end();
    await settled(running.waited, graceMs);
    if (!over) kill();
    await exited;
  };

  return {
    containerId,
    pipe: attached.pipe,
    exited,
    async clamp() {
      if (!running.clampable) return;
      try {
        await engine.updateContainer(containerId, cpuLimit(spec.cpus));
      } catch (cause) {
        endByLimit('its processor limit could not be put on');
        await exited;
        throw new OpenLegionError(
          {
            code: 'unavailable',
            rule: 'sandbox.cpu_limit',
            message: `The processor limit of ${spec.agent} could not be put on, so it was stopped.`,
            remedy: 'See the cause in the log of the engine; an agent never runs without its limits.',
          },
          { cause },
        );
      }
    },
    async stats(): Promise<SandboxStats> {
      const stats = await engine.containerStats(containerId);
      const cached = stats.memory_stats.stats?.total_inactive_file ?? stats.memory_stats.stats?.inactive_file;
      return {
        memoryBytes: Math.max(0, stats.memory_stats.usage - (cached ?? 0)),
        cpuNanoseconds: stats.cpu_stats.cpu_usage.total_usage,
        pids: stats.pids_stats?.current ?? 0,
      };
    },
    inspect: () => engine.inspectContainer(containerId),
    stop,
  };
}

/** Resolves when `promise` has settled either way, or after `ms`. */
async function settled(promise: Promise<unknown>, ms: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, Math.max(0, ms));
  await Promise.race([promise.catch(() => {}), late.promise]);
  clearTimeout(timer);
}

/** `end` is told why: too much, or a use that could not be read. The function returned stops it. */
function pollDisk(
  usedBytes: () => Promise<number | null>,
  maxBytes: number,
  end: (reason: string) => void,
): () => void {
  let timer: NodeJS.Timeout;
  let stopped = false;
  const megabytes = Math.round(maxBytes / (1024 * 1024));
  const check = async () => {
    try {
      const bytes = (await usedBytes()) ?? 0;
      if (bytes > maxBytes) end(`its files in /data are larger than ${megabytes} MB (resources.disk_limit)`);
    } catch (error) {
      const why = error instanceof OpenLegionError ? error.message : 'unknown';
      end(`its disk use could not be read: ${why}`);
    }
    if (!stopped) timer = setTimeout(check, DISK_POLL_MS);
  };
  timer = setTimeout(check, DISK_POLL_MS);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
