import type { BlackboardPage, BlackboardVersion } from '@openlegion/contract/blackboard';
import { oneLine, safeText } from '../terminal/safe-text.ts';
import { formatTable } from '../terminal/table.ts';

const VALUE_WIDTH = 100;

/** Keys with what is known of each; agents write them, and what they write cannot move the cursor. */
export function entryTable({ entries, next }: BlackboardPage): string {
  if (entries.length === 0) return 'Nothing is there.';
  const rows = entries.map(({ key, version, writer, at, expiresAt, bytes }) => [
    ...[oneLine(key, 80), String(version), String(bytes), oneLine(writer, 40), time(at)],
    expiresAt === null ? '' : `expires ${time(expiresAt)}`,
  ]);
  const table = formatTable([['KEY', 'VERSION', 'BYTES', 'WRITER', 'AT', ''], ...rows]);
  return next === null ? table : `${table}\nThere are more: --after ${JSON.stringify(oneLine(next, 512))}`;
}

/** One version on a line, as in a history or a watch. */
export function versionLine({ key, version, change, value, writer, at }: BlackboardVersion): string {
  const what = change === 'set' ? oneLine(JSON.stringify(value), VALUE_WIDTH) : `(${change})`;
  return `${time(at)}  ${oneLine(key, 80)} @${version}  ${oneLine(writer, 40)}  ${what}`;
}

/** The value whole, with where it comes from. */
export function entryText(entry: BlackboardVersion): string {
  const { key, version, writer, traceId, at, expiresAt, value } = entry;
  const trace = traceId === '' ? '' : `, trace ${oneLine(traceId, 60)}`;
  const until = expiresAt === null ? '' : `, expires ${time(expiresAt)}`;
  return `${oneLine(key, 200)} @${version}, by ${oneLine(writer, 60)} at ${time(at)}${trace}${until}\n${safeText(JSON.stringify(value, null, 2))}`;
}

function time(at: string): string {
  return at.slice(0, 19).replace('T', ' ');
}
