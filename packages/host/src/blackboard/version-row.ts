import type { BlackboardVersion } from '@openlegion/contract/blackboard';
import { JsonValue } from '@openlegion/contract/json-value';
import { integerOf, type Row, textOf } from '../store/row.ts';

/** One version as anyone may see it at `now`: what has expired has no value any more, whoever asks. */
export function versionOf(row: Row, now: number): BlackboardVersion {
  const expiresAt = row.expires_at === null ? null : integerOf(row, 'expires_at');
  const stored = textOf(row, 'change');
  const readable = stored === 'set' && (expiresAt === null || expiresAt > now);
  return {
    ...aboutOf(row),
    change: readable ? 'set' : stored === 'deleted' ? 'deleted' : 'expired',
    value: readable ? JsonValue.parse(JSON.parse(textOf(row, 'value'))) : null,
  };
}

export function aboutOf(row: Row): Omit<BlackboardVersion, 'change' | 'value'> {
  return {
    key: textOf(row, 'key'),
    version: integerOf(row, 'version'),
    seq: integerOf(row, 'seq'),
    writer: textOf(row, 'writer'),
    traceId: textOf(row, 'trace_id'),
    at: new Date(integerOf(row, 'at')).toISOString(),
    expiresAt: row.expires_at === null ? null : new Date(integerOf(row, 'expires_at')).toISOString(),
  };
}
