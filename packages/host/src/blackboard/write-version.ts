import type { BlackboardVersion } from '@openlegion/contract/blackboard';
import type { JsonValue } from '@openlegion/contract/json-value';
import type { Refusal } from '@openlegion/contract/refusal';
import { normalKey } from '../router/normal-key.ts';
import type { Routed } from '../router/router.ts';
import type { Transaction } from '../store/database.ts';
import { integerOf, type Row } from '../store/row.ts';
import type { BlackboardLimits } from './blackboard-limits.ts';
import { makeRoom, trimVersions } from './collect-garbage.ts';
import { blackboardRefusals as refusals } from './refusals.ts';

export interface Change {
  namespace: string;
  key: string;
  change: BlackboardVersion['change'];
  /** Null where the change is no `set`. */
  value: JsonValue;
  writer: string;
  traceId: string;
  /** The version that must be current; 0: none. Any where absent. */
  ifVersion?: number | undefined;
  /** Milliseconds since the epoch. */
  expiresAt?: number | undefined;
  /** Whether the writer's limit of bytes holds for it: for agents, not for an operator or the host. */
  limited: boolean;
}

/**
 * Adds a version to a key, in the caller's transaction: compare-and-swap, the rules of `history/` and all limits
 * are decided here. What has expired counts as absent. A refusal has written nothing.
 */
export function writeVersion(
  transaction: Transaction,
  { limits, now }: { limits: BlackboardLimits; now: number },
  change: Change,
): Routed<BlackboardVersion> {
  const { namespace, writer, traceId } = change;
  const key = normalKey(change.key);
  if (key === null) return refused(refusals.key(change.key));
  const inHistory = key.startsWith('history/');
  if (inHistory && (change.change !== 'set' || change.expiresAt !== undefined))
    return refused(refusals.appendOnly(key));
  const value = change.change === 'set' ? JSON.stringify(change.value) : '';
  const valueBytes = Buffer.byteLength(value);
  if (valueBytes > limits.valueBytes) return refused(refusals.valueTooLarge(key, limits.valueBytes));

  const head = transaction.get(
    'SELECT seq, version, change, expires_at FROM blackboard_head WHERE namespace = ? AND key = ?',
    namespace,
    key,
  );
  const current = head && isReadable(head, now) ? integerOf(head, 'version') : 0;
  if (change.ifVersion !== undefined && change.ifVersion !== current)
    return refused(refusals.otherVersion(key, change.ifVersion, current));
  if (change.change === 'deleted' && current === 0) return refused(refusals.noEntry(key));

  const bytes = valueBytes + Buffer.byteLength(key) + limits.versionBytes;
  // A deletion is never refused for want of room: it is how room is made.
  if (change.limited && change.change === 'set' && !makeRoom(transaction, change, bytes, limits))
    return refused(refusals.writerFull(writer, limits.writerBytes));

  const version = head ? integerOf(head, 'version') + 1 : floorOf(transaction, namespace) + 1;
  const expiresAt = change.expiresAt ?? null;
  const inserted = transaction.get(
    `INSERT INTO blackboard_version (namespace, key, version, change, value, writer, trace_id, at, expires_at, bytes)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq`,
    ...[namespace, key, version, change.change, value, writer, traceId, now, expiresAt, bytes],
  );
  const seq = integerOf(inserted ?? {}, 'seq');
  if (head && !inHistory)
    transaction.run('UPDATE blackboard_version SET superseded_at = ? WHERE seq = ?', now, head.seq ?? 0);
  transaction.run(
    `INSERT INTO blackboard_head VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq,
     version = excluded.version, change = excluded.change, changed_at = excluded.changed_at,
     expires_at = excluded.expires_at`,
    ...[namespace, key, seq, version, change.change, now, expiresAt],
  );
  transaction.run(
    `INSERT INTO blackboard_usage VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes`,
    ...[namespace, writer, bytes],
  );
  trimVersions(transaction, { namespace, key, version }, limits);
  return {
    ok: true,
    value: {
      ...{ key, version, seq, writer, traceId, change: change.change },
      value: change.change === 'set' ? change.value : null,
      at: new Date(now).toISOString(),
      expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    },
  };
}

/** Whether a head is an entry that can be read at `now`. */
export function isReadable(head: Row, now: number): boolean {
  return head.change === 'set' && (head.expires_at === null || integerOf(head, 'expires_at') > now);
}

function floorOf(transaction: Transaction, namespace: string): number {
  const row = transaction.get('SELECT version FROM blackboard_floor WHERE namespace = ?', namespace);
  return row ? integerOf(row, 'version') : 0;
}

function refused(refusal: Refusal): { ok: false; refusal: Refusal } {
  return { ok: false, refusal };
}
