import type { Guarantee } from '@openlegion/contract/control-api';
import type { SandboxExit } from '../sandbox/sandbox-backend.ts';
import { judged } from './guarantee.ts';
import type { DiskFilled, FilesOpened, Forks, MemoryTaken } from './observations.ts';

const MEBIBYTE = 1024 * 1024;
/** What a kernel may count differently: the program itself, its init, what is being started. */
const PROCESS_SLACK = 16;

export function judgeForks({ started, failure }: Forks, limit: number, declared?: string): Guarantee {
  return judged('limits.processes', {
    holds: failure !== 'none' && started > 0 && started <= limit + PROCESS_SLACK,
    evidence: `${started} processes, then ${failure}; the limit is ${limit}`,
    why: 'The engine does not hold the container to its number of processes.',
    declared,
  });
}

/** `exit`: how the sandbox ended, where the bomb took all of it along. */
export function judgeMemory(
  seen: { taken: MemoryTaken | null; exit: SandboxExit | null },
  limitBytes: number,
  declared?: string,
): Guarantee {
  const { taken, exit } = seen;
  const killed = taken
    ? /SIGKILL|137/.test(taken.ended)
    : exit?.cause === 'out_of_memory' || exit?.cause === 'killed';
  const refused = taken !== null && taken.ended === 'by itself' && taken.megabytes * MEBIBYTE <= limitBytes;
  return judged('limits.memory', {
    holds: killed || refused,
    evidence: taken
      ? `a program that takes twice the limit: ${taken.megabytes > 0 ? `took ${taken.megabytes} MB, ` : ''}ended ${taken.ended}; the limit is ${limitBytes / MEBIBYTE} MB`
      : `the container ended: ${exit ? `${exit.cause} (${exit.reason})` : 'unknown'}; the limit is ${limitBytes / MEBIBYTE} MB`,
    why: 'The engine does not hold the container to its memory.',
    declared,
  });
}

/** `limits`: what each directory may take, in bytes. */
export function judgeDisk(
  { directories }: DiskFilled,
  limits: ReadonlyMap<string, number>,
  declared?: string,
): Guarantee {
  const wrong = directories.filter(
    ({ path, bytes, failure }) => failure === 'none' || bytes > (limits.get(path) ?? 0),
  );
  return judged('limits.disk', {
    holds: directories.length > 0 && wrong.length === 0,
    evidence: directories
      .map(
        ({ path, bytes, failure }) =>
          `${path}: ${Math.round(bytes / MEBIBYTE)} of ${(limits.get(path) ?? 0) / MEBIBYTE} MB, then ${failure}`,
      )
      .join('\n'),
    why: 'A container can fill the disk of the machine.',
    declared,
  });
}

const MOST_FILES = 65_536;

export function judgeOpenFiles({ opened, failure }: FilesOpened): Guarantee {
  return judged('limits.open-files', {
    holds: failure === 'EMFILE' && opened < MOST_FILES,
    evidence: `${opened} files, then ${failure}`,
    why: 'The container was not made from the fixed template.',
  });
}

/** Processor time used over `wallMs` by a program that asks for all it can get. */
export function judgeProcessor(
  seen: { cpuMs: number; wallMs: number },
  cpus: number,
  declared?: string,
): Guarantee {
  const share = seen.cpuMs / seen.wallMs;
  return judged('limits.processor', {
    // Half as much again: the kernel gives it in slices of 100 ms, and a slice may begin before and end after.
    holds: seen.wallMs > 0 && share > 0 && share <= cpus * 1.5,
    evidence: `a busy program got ${share.toFixed(2)} processors over ${Math.round(seen.wallMs)} ms; the limit is ${cpus}`,
    why: 'The engine does not hold the container to its share of the processor.',
    declared,
  });
}

/** `exit` of a sandbox that flooded standard error; null when it was still running after the wait. */
export function judgeStderr(exit: SandboxExit | null): Guarantee {
  return judged('limits.standard-error', {
    holds: exit?.cause === 'limit',
    evidence: exit ? `${exit.cause}: ${exit.reason}` : 'it was still running after the wait',
    why: 'A flood of output costs the machine processor time outside of the container’s limit.',
  });
}

/** `exit` of a sandbox that was asked to stop and does not listen. */
export function judgeEnd(exit: SandboxExit | null): Guarantee {
  return judged('limits.end', {
    holds: exit !== null,
    evidence: exit
      ? `${exit.cause}: ${exit.reason || `exit code ${exit.exitCode}`}`
      : 'it was still running after the wait',
    why: 'A container outlives its end.',
  });
}
