import type { PartName, PartReport } from '@openlegion/contract/process-protocol';
import type { PartDefinition } from './part-definition.ts';
import type { PartLog } from './part-log.ts';
import { describeExit, type PartProcess, startPartProcess } from './part-process.ts';
import { restartDelayMs, STABLE_AFTER_MS } from './restart-delay.ts';
import { tryKeys } from './try-keys.ts';

export type SupervisorEvent =
  | { type: 'part'; part: PartName; state: 'starting' | 'ready' | 'stopping' | 'stopped'; pid?: number }
  | { type: 'part_ended'; part: PartName; how: string; restartInMs: number }
  | { type: 'part_failed'; part: PartName; message: string; remedy: string };

export type StartResult =
  | { started: true; details: Map<PartName, Record<string, string | number | boolean>> }
  | { started: false; part: PartName; message: string; remedy: string };

export interface Supervisor {
  /**
   * Starts the parts one after the other, each when the one before has said that it is ready. When one fails, those
   * that run are stopped and its own words are returned. From then on a part that ends is started again.
   */
  start(): Promise<StartResult>;
  /** Stops in reverse order and resolves when every part has ended. Idempotent. */
  stop(): Promise<void>;
}

export interface SupervisorOptions {
  parts: readonly PartDefinition[];
  logOf: (part: PartName) => PartLog;
  onEvent: (event: SupervisorEvent) => void;
  /** Called after a part's first start and awaited before the next part's. */
  afterReady: (part: PartName) => Promise<void>;
  /** A part has been started again and says this of itself. */
  onRestarted: (part: PartName, detail: Record<string, string | number | boolean>) => void;
  now: () => number;
  /** Resolves after `ms`, or when the signal aborts. */
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { parts, logOf, onEvent, afterReady, onRestarted, now, wait } = options;
  const stopping = new AbortController();
  const running = new Map<PartName, PartProcess>();
  const keepers: Promise<void>[] = [];
  let stopped: Promise<void> | undefined;

  const launchWith = async (part: PartDefinition): Promise<{ child: PartProcess; report: PartReport }> => {
    const child = startPartProcess(part, logOf(part.name));
    running.set(part.name, child);
    const report = await child.report;
    if (!report.ready) await child.stop();
    return { child, report };
  };
  const launch = async (part: PartDefinition) => {
    onEvent({ type: 'part', part: part.name, state: 'starting' });
    return part.keyFile === undefined
      ? launchWith(part)
      : tryKeys(part.keyFile, (keyFile) => launchWith({ ...part, keyFile }));
  };

  const isReady = ({ name }: PartDefinition, { pid }: PartProcess) =>
    onEvent({ type: 'part', part: name, state: 'ready', ...(pid ? { pid } : {}) });

  /** Holds one part up until the supervisor stops. */
  const keepUp = async (part: PartDefinition, first: PartProcess): Promise<void> => {
    let child = first;
    let failures = 0;
    let since = now();
    while (true) {
      const exit = await child.exited;
      if (stopping.signal.aborted) return;
      failures = now() - since >= STABLE_AFTER_MS ? 1 : failures + 1;
      const restartInMs = restartDelayMs(failures);
      onEvent({ type: 'part_ended', part: part.name, how: describeExit(exit), restartInMs });
      await wait(restartInMs, stopping.signal);
      if (stopping.signal.aborted) return;
      since = now();
      const next = await launch(part);
      child = next.child;
      if (next.report.ready) {
        isReady(part, child);
        onRestarted(part.name, next.report.detail);
      } else {
        const { message, remedy } = next.report;
        onEvent({ type: 'part_failed', part: part.name, message, remedy });
      }
    }
  };

  const stopAll = async () => {
    stopping.abort();
    for (const part of [...parts].reverse()) {
      const child = running.get(part.name);
      if (!child) continue;
      onEvent({ type: 'part', part: part.name, state: 'stopping' });
      await child.stop();
      onEvent({ type: 'part', part: part.name, state: 'stopped' });
    }
    await Promise.all(keepers);
  };
  const stop = () => {
    stopped ??= stopAll();
    return stopped;
  };

  return {
    stop,
    async start() {
      const details = new Map<PartName, Record<string, string | number | boolean>>();
      for (const part of parts) {
        if (stopping.signal.aborted) return { started: false, part: part.name, ...INTERRUPTED };
        const { child, report } = await launch(part);
        if (!report.ready) {
          await stop();
          return { started: false, part: part.name, message: report.message, remedy: report.remedy };
        }
        details.set(part.name, report.detail);
        isReady(part, child);
        keepers.push(keepUp(part, child));
        await afterReady(part.name);
      }
      return { started: true, details };
    },
  };
}

const INTERRUPTED = { message: 'The start was interrupted.', remedy: 'Start it again.' };
