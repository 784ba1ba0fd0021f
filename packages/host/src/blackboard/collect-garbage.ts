import type { Reader, Transaction } from '../store/database.ts';
import { integerOf, type Row, textOf } from '../store/row.ts';
import type { BlackboardLimits } from './blackboard-limits.ts';

/**
 * Makes sure that `writer` can add `bytes`: its oldest versions that are no longer current give way, then its oldest
 * deletions. False where what is current leaves no room.
 */
export function makeRoom(
  transaction: Transaction,
  { namespace, writer }: { namespace: string; writer: string },
  bytes: number,
  limits: BlackboardLimits,
): boolean {
  let over = usageOf(transaction, namespace, writer) + bytes - limits.writerBytes;
  while (over > 0) {
    const old = transaction.all(
      `SELECT seq, namespace, writer, bytes FROM blackboard_version
       WHERE namespace = ? AND writer = ? AND superseded_at IS NOT NULL ORDER BY seq LIMIT 16`,
      ...[namespace, writer],
    );
    for (const row of old) dropVersion(transaction, row);
    const deletions = old.length > 0 ? [] : deletionsOf(transaction, namespace, writer);
    for (const row of deletions) forgetKey(transaction, row);
    if (old.length + deletions.length === 0) return false;
    over -= [...old, ...deletions].reduce((sum, row) => sum + integerOf(row, 'bytes'), 0);
  }
  return true;
}

/** Drops the versions of a key beyond those that are kept. */
export function trimVersions(
  transaction: Transaction,
  { namespace, key, version }: { namespace: string; key: string; version: number },
  limits: BlackboardLimits,
): void {
  if (version <= limits.keptVersions || key.startsWith('history/')) return;
  const beyond = transaction.all(
    `SELECT seq, namespace, writer, bytes FROM blackboard_version
     WHERE namespace = ? AND key = ? AND version <= ?`,
    ...[namespace, key, version - limits.keptVersions],
  );
  for (const row of beyond) dropVersion(transaction, row);
}

/** Heads that have expired and are not collected yet, oldest first. */
export function expiredHeads(
  reader: Reader,
  now: number,
  limit: number,
): { namespace: string; key: string }[] {
  return reader
    .all(
      `SELECT namespace, key FROM blackboard_head WHERE expires_at <= ? AND change = 'set' ORDER BY expires_at LIMIT ?`,
      ...[now, limit],
    )
    .map((row) => ({ namespace: textOf(row, 'namespace'), key: textOf(row, 'key') }));
}

/** Forgets old versions and old deletions, at most `collectRows` of each. Returns how many went. */
export function forgetOld(transaction: Transaction, now: number, limits: BlackboardLimits): number {
  const versions = transaction.all(
    `SELECT seq, namespace, writer, bytes FROM blackboard_version WHERE superseded_at <= ? LIMIT ?`,
    ...[now - limits.keepMs, limits.collectRows],
  );
  for (const row of versions) dropVersion(transaction, row);
  const deletions = transaction.all(
    `SELECT v.seq, v.namespace, v.writer, v.bytes, v.key, v.version FROM blackboard_head h
     JOIN blackboard_version v USING (seq) WHERE h.change <> 'set' AND h.changed_at <= ? LIMIT ?`,
    ...[now - limits.keepDeletionsMs, limits.collectRows],
  );
  for (const row of deletions) forgetKey(transaction, row);
  return versions.length + deletions.length;
}

function deletionsOf(transaction: Transaction, namespace: string, writer: string): Row[] {
  return transaction.all(
    `SELECT seq, namespace, writer, bytes, key, version FROM blackboard_version
     WHERE namespace = ? AND writer = ? AND change = 'deleted' AND superseded_at IS NULL ORDER BY seq LIMIT 16`,
    ...[namespace, writer],
  );
}

function forgetKey(transaction: Transaction, row: Row): void {
  const { namespace, key, version, seq } = row;
  transaction.run('DELETE FROM blackboard_head WHERE namespace = ? AND key = ?', namespace ?? '', key ?? '');
  dropVersion(transaction, row);
  transaction.run(
    `INSERT INTO blackboard_floor VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET
     version = MAX(version, excluded.version), seq = MAX(seq, excluded.seq)`,
    ...[namespace ?? '', version ?? 0, seq ?? 0],
  );
}

function dropVersion(transaction: Transaction, row: Row): void {
  transaction.run('DELETE FROM blackboard_version WHERE seq = ?', integerOf(row, 'seq'));
  transaction.run(
    'UPDATE blackboard_usage SET bytes = bytes - ? WHERE namespace = ? AND writer = ?',
    ...[integerOf(row, 'bytes'), textOf(row, 'namespace'), textOf(row, 'writer')],
  );
}

function usageOf(reader: Reader, namespace: string, writer: string): number {
  const row = reader.get(
    'SELECT bytes FROM blackboard_usage WHERE namespace = ? AND writer = ?',
    namespace,
    writer,
  );
  return row ? integerOf(row, 'bytes') : 0;
}
