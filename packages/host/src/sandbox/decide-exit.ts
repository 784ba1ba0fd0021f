import type { SandboxExit } from './sandbox-backend.ts';

export interface ExitFacts {
  /** Which of our limits ended it, null when none did. */
  limit: string | null;
  /** We asked it to end, and it is by that that it ended. */
  stopRequested: boolean;
  /** Null where the engine no longer knows. */
  exitCode: number | null;
  /** Null where the engine does not tell (Podman 4.3). */
  oomKilled: boolean | null;
  /** Why the engine cannot tell, where it cannot. */
  lost: string | null;
  memoryBytes: number;
}

const SIGNALS: Record<number, string> = {
  ...{ 6: 'SIGABRT', 9: 'SIGKILL', 11: 'SIGSEGV', 15: 'SIGTERM', 25: 'SIGXFSZ', 31: 'SIGSYS' },
};

/** Why a container ended, from what we did and what the engine saw. The first that applies is the cause. */
export function decideExit(facts: ExitFacts): Omit<SandboxExit, 'stderr'> {
  const exitCode = facts.exitCode ?? 137;
  if (facts.limit) return { cause: 'limit', exitCode, reason: facts.limit };
  // An agent that lost a child to the memory limit and then ended well was not ended by it.
  if (facts.oomKilled && exitCode !== 0 && !facts.stopRequested) {
    const mebibytes = Math.round(facts.memoryBytes / (1024 * 1024));
    return {
      cause: 'out_of_memory',
      exitCode,
      reason: `it used more than its ${mebibytes} MB of memory (resources.memory_limit)`,
    };
  }
  if (facts.stopRequested) return { cause: 'stopped', exitCode, reason: 'it was stopped' };
  if (facts.lost) return { cause: 'killed', exitCode, reason: facts.lost };
  if (exitCode > 128 && exitCode < 160) {
    const signal = exitCode - 128;
    const untold =
      facts.oomKilled === null && signal === 9 ? ' (perhaps for its memory: the engine does not tell)' : '';
    return {
      cause: 'killed',
      exitCode,
      reason: `it was killed from outside or by the kernel, with ${SIGNALS[signal] ?? `signal ${signal}`}${untold}`,
    };
  }
  return { cause: 'exited', exitCode, reason: `its program ended by itself with code ${exitCode}` };
}
