import type { Guarantee } from '@openlegion/contract/control-api';
import type { CensusFindings } from './census-protocol.ts';
import { judged, lines } from './guarantee.ts';

export const CENSUS_PROMISES = ['credentials.files', 'credentials.memory', 'credentials.answers'] as const;

const ONLY_ROOT =
  'Memory of other processes can be read by root alone; start OpenLegion as root to have this checked.';
const REACHED = 'A credential left the keeper. Revoke it, then find the way it took.';

export function judgeFiles(findings: CensusFindings, paths: readonly string[]): Guarantee {
  const isMemory = (place: string) => /\(pid \d+\): /.test(place);
  const hits = findings.hits.filter(({ place }) => !isMemory(place));
  const unread = findings.unreadable.filter(({ place }) => !isMemory(place));
  const bytes = findings.paths.reduce((sum, path) => sum + path.bytes, 0);
  const files = findings.paths.reduce((sum, path) => sum + path.files, 0);
  return judged('credentials.files', {
    holds: files > 0 && unread.length === 0,
    wrong: hits.map(({ place, form }) => `${place} (${form})`),
    evidence: lines([
      `${files} files (${Math.round(bytes / 1000)} kB) below ${paths.join(', ')} searched, 0 found`,
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
  const unknown = unread.length > 0 || clean.length === 0 || !control?.bytes;
  return judged('credentials.memory', {
    holds: leaking.length === 0 && !unknown && control.hits > 0,
    evidence,
    why:
      leaking.length > 0
        ? REACHED
        : 'The search does not find them in the keeper, which has them: it proves nothing.',
    declared: leaking.length === 0 && unknown ? ONLY_ROOT : undefined,
  });
}

export function judgeAnswers(answers: readonly { name: string; bytes: number; hits: number }[]): Guarantee {
  return judged('credentials.answers', {
    holds: answers.length > 0 && answers.every(({ hits }) => hits === 0),
    evidence: lines(answers.map(({ name, bytes, hits }) => `${name}: ${bytes} bytes, ${hits} found`)),
    why: REACHED,
  });
}
