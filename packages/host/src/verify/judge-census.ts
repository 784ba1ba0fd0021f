import type { Guarantee } from '@openlegion/contract/control-api';
import type { CensusFindings } from './census-protocol.ts';
import { judged, lines, type Promised } from './guarantee.ts';

export const CENSUS_PROMISES = {
  files: {
    id: 'credentials.files',
    area: 'credentials',
    promise:
      'No planted credential is in a database, log or file of the installation outside of the sealed vault',
  },
  memory: {
    id: 'credentials.memory',
    area: 'credentials',
    promise: 'No planted credential is in the memory of a process but the keeper’s',
  },
  answers: {
    id: 'credentials.answers',
    area: 'credentials',
    promise: 'No answer of the control API has a planted credential in it',
  },
} as const satisfies Record<string, Promised>;

const REACHED = 'A credential left the keeper. Revoke it, then find the way it took.';

export function judgeFiles(findings: CensusFindings, paths: readonly string[]): Guarantee {
  const isMemory = (place: string) => /\(pid \d+\): /.test(place);
  const hits = findings.hits.filter(({ place }) => !isMemory(place));
  const unread = findings.unreadable.filter(({ place }) => !isMemory(place));
  const bytes = findings.paths.reduce((sum, path) => sum + path.bytes, 0);
  const files = findings.paths.reduce((sum, path) => sum + path.files, 0);
  return judged(CENSUS_PROMISES.files, {
    holds: files > 0 && hits.length === 0 && unread.length === 0,
    evidence:
      hits.length > 0
        ? lines(hits.map(({ place, form }) => `${place} (${form})`))
        : lines([
            `${files} files (${Math.round(bytes / 1000)} kB) below ${paths.join(', ')} searched, ${hits.length} found`,
            ...unread.map(({ place, why }) => `not read: ${place} (${why})`),
          ]),
    why: hits.length > 0 ? REACHED : 'Not everything could be read, so nothing is known of it.',
  });
}

/** The keeper is the positive control: a search that does not find them there finds nothing anywhere. */
export function judgeMemories(
  findings: CensusFindings,
  clean: readonly { name: string; pid: number }[],
  keeper: { pid: number } | null,
): Guarantee {
  const seenOf = (pid: number) => findings.processes.find((seen) => seen.pid === pid);
  const leaking = clean.filter(({ pid }) => (seenOf(pid)?.hits ?? 0) > 0);
  const unread = clean.filter(({ pid }) => (seenOf(pid)?.bytes ?? 0) === 0);
  const control = keeper ? seenOf(keeper.pid) : undefined;
  const evidence = lines([
    ...findings.processes.map(
      ({ name, pid, bytes, hits }) =>
        `${name} (pid ${pid}): ${Math.round(bytes / 1_000_000)} MB read, ${hits} found`,
    ),
    ...findings.unreadable
      .filter(({ place }) => place.includes('(pid '))
      .map(({ place, why }) => `not read: ${place} (${why})`),
  ]);
  if (leaking.length > 0) return judged(CENSUS_PROMISES.memory, { holds: false, evidence, why: REACHED });
  const cannot = (why: string): Guarantee => ({
    ...CENSUS_PROMISES.memory,
    verdict: 'cannot_be_given',
    evidence,
    why,
  });
  if (unread.length > 0 || clean.length === 0 || !control || control.bytes === 0) {
    return cannot(
      'Memory of other processes can be read by root alone; start OpenLegion as root to have this checked.',
    );
  }
  return judged(CENSUS_PROMISES.memory, {
    holds: control.hits > 0,
    evidence,
    why: 'The search does not find them in the keeper, which has them: it proves nothing.',
  });
}

export function judgeAnswers(answers: readonly { name: string; bytes: number; hits: number }[]): Guarantee {
  return judged(CENSUS_PROMISES.answers, {
    holds: answers.length > 0 && answers.every(({ hits }) => hits === 0),
    evidence: lines(answers.map(({ name, bytes, hits }) => `${name}: ${bytes} bytes, ${hits} found`)),
    why: REACHED,
  });
}
