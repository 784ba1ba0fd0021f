import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { PartReport } from '@openlegion/contract/process-protocol';
import type { PartDefinition } from './part-definition.ts';
import type { PartLog } from './part-log.ts';
import { readPartReport } from './part-report.ts';

export interface PartExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface PartProcess {
  readonly pid: number | undefined;
  /** What it said on fd 3, or what is to be told to a person when it said nothing in time. Never rejects. */
  readonly report: Promise<PartReport>;
  /** Resolves once, whatever the end was. */
  readonly exited: Promise<PartExit>;
  /** Ends the lifeline, waits `stopTimeoutMs`, kills. Idempotent. */
  stop(): Promise<void>;
}

/**
 * What a crash leaves on disk would hold what the process knew: hard and soft limit of core dumps are 0, for root too
 * once its uid is given up. The shell replaces itself, so that the part has its process id and files.
 */
const LIMITED = 'ulimit -c 0 && umask 077 && unset PWD OLDPWD SHLVL && exec "$@"';

/**
 * Starts one part as `contract/process-protocol.ts` says. The part's lifeline is a pipe that only this process
 * holds the other end of: when this process dies, whatever the cause, the part reads its end and stops.
 */
export function startPartProcess(part: PartDefinition, log: PartLog): PartProcess {
  const keyFile = part.keyFile === undefined ? undefined : openSync(part.keyFile, 'r');
  const child = spawn(
    '/bin/sh',
    [
      ...['-c', LIMITED, 'sh', process.execPath, ...part.nodeFlags],
      ...[part.program, '--config-json', JSON.stringify(part.settings)],
    ],
    {
      env: part.environment,
      // A group of its own: Ctrl-C in the terminal reaches the supervisor alone, which then stops in order.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', ...(keyFile === undefined ? [] : [keyFile])],
    },
  );
  if (keyFile !== undefined) closeSync(keyFile);

  const exited = new Promise<PartExit>((resolve) => {
    child.once('error', (error) => {
      log.write(`could not be started: ${error.message}\n`);
      resolve({ code: null, signal: null });
    });
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  child.stdin?.on('error', () => {});
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (chunk: string) => log.write(chunk));
    stream?.on('error', () => {});
  }
  const channel = child.stdio[3];
  const timeout = new AbortController();
  const late = delay(part.readyTimeoutMs, 'late' as const, { signal: timeout.signal }).catch(
    () => 'late' as const,
  );
  const report = Promise.race([
    channel instanceof Readable ? readPartReport(channel) : Promise.resolve('nothing' as const),
    late,
  ]).then(async (said): Promise<PartReport> => {
    if (typeof said === 'object') return said;
    const ended = said === 'nothing' ? await Promise.race([exited, late]) : said;
    return {
      ready: false,
      message: [
        `${part.name} ${describeSilence(ended, part)}.`,
        ...log
          .tail()
          .slice(-6)
          .map((line) => `| ${line}`),
      ].join('\n'),
      remedy: `The whole log is in data/logs/${part.name}.log.`,
    };
  });
  void report.finally(() => timeout.abort());

  let stopping: Promise<void> | undefined;
  const stop = async () => {
    child.stdin?.end();
    const patience = new AbortController();
    const ended = await Promise.race([
      exited.then(() => true),
      delay(part.stopTimeoutMs, false, { signal: patience.signal }).catch(() => false),
    ]);
    patience.abort();
    if (!ended) {
      log.write(`did not stop in ${part.stopTimeoutMs / 1000} s and is killed\n`);
      child.kill('SIGKILL');
      await exited;
    }
  };
  return {
    pid: child.pid,
    report,
    exited,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

function describeSilence(how: PartExit | 'late' | 'unreadable', part: PartDefinition): string {
  if (how === 'late') return `was not ready in ${part.readyTimeoutMs / 1000} s`;
  if (how === 'unreadable') return 'reported something that is not a report';
  return `ended with ${describeExit(how)} before it was ready`;
}

export function describeExit({ code, signal }: PartExit): string {
  return signal ? `signal ${signal}` : `code ${code ?? 'unknown'}`;
}
