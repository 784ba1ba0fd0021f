import type { BlackboardPage, BlackboardVersion, BlackboardVersions } from '@openlegion/contract/blackboard';
import type { Reader } from '../store/database.ts';
import { integerOf, type Row } from '../store/row.ts';
import { aboutOf, versionOf } from './version-row.ts';

/** No key goes beyond: the last code point there is belongs to none. */
const LAST = '\u{10ffff}';
const READABLE = "h.change = 'set' AND (h.expires_at IS NULL OR h.expires_at > ?)";

/** The current entry; null where there is none, or where it has expired. */
export function readEntry(
  reader: Reader,
  namespace: string,
  key: string,
  now: number,
): BlackboardVersion | null {
  const row = reader.get(
    `SELECT v.* FROM blackboard_head h JOIN blackboard_version v USING (seq)
     WHERE h.namespace = ? AND h.key = ? AND ${READABLE}`,
    ...[namespace, key, now],
  );
  return row ? versionOf(row, now) : null;
}

/** Entries whose key starts with `prefix`, in the order of their keys, without their values. */
export function listEntries(
  reader: Reader,
  { namespace, prefix, after, limit }: { namespace: string; prefix: string; after: string; limit: number },
  now: number,
): BlackboardPage {
  const rows = reader.all(
    `SELECT v.* FROM blackboard_head h JOIN blackboard_version v USING (seq)
     WHERE h.namespace = ? AND h.key >= ? AND h.key < ? AND h.key > ? AND ${READABLE} ORDER BY h.key LIMIT ?`,
    ...[namespace, prefix, prefix + LAST, after, now, limit],
  );
  const entries = rows.map((row) => ({ ...aboutOf(row), bytes: Buffer.byteLength(String(row.value)) }));
  return { entries, next: rows.length < limit ? null : (entries.at(-1)?.key ?? null) };
}

/** The versions that are kept of a key, newest first, also where it is deleted. */
export function listVersions(
  reader: Reader,
  { namespace, key, before, limit }: { namespace: string; key: string; before: number; limit: number },
  now: number,
  pageBytes: number,
): BlackboardVersions {
  const sizes = reader.all(
    `SELECT seq, bytes FROM blackboard_version WHERE namespace = ? AND key = ? AND version < ?
     ORDER BY version DESC LIMIT ?`,
    ...[namespace, key, before, limit],
  );
  const page = withinBytes(sizes, pageBytes);
  const versions = page.flatMap(({ seq }) => versionAt(reader, Number(seq), now) ?? []);
  const more = page.length < sizes.length || sizes.length === limit;
  return { versions, next: more ? (versions.at(-1)?.version ?? null) : null };
}

/** Changes of keys with `prefix` after `after` and up to `upTo`, oldest first: as many as `pageBytes` take, and at least one. */
export function listChanges(
  reader: Reader,
  { namespace, prefix, after, upTo }: { namespace: string; prefix: string; after: number; upTo: number },
  now: number,
  pageBytes: number,
): { changes: BlackboardVersion[]; complete: boolean } {
  const sizes = reader.all(
    `SELECT seq, bytes FROM blackboard_version NOT INDEXED
     WHERE seq > ? AND seq <= ? AND namespace = ? AND key >= ? AND key < ? ORDER BY seq LIMIT 100`,
    ...[after, upTo, namespace, prefix, prefix + LAST],
  );
  const page = withinBytes(sizes, pageBytes);
  return {
    changes: page.flatMap(({ seq }) => versionAt(reader, Number(seq), now) ?? []),
    complete: page.length === sizes.length && sizes.length < 100,
  };
}

export function lastChange(reader: Reader): number {
  return integerOf(reader.get('SELECT COALESCE(MAX(seq), 0) AS seq FROM blackboard_version') ?? {}, 'seq');
}

/** The newest change of a namespace that a watch can no longer be told. */
export function forgottenChange(reader: Reader, namespace: string): number {
  const row = reader.get('SELECT seq FROM blackboard_floor WHERE namespace = ?', namespace);
  return row ? integerOf(row, 'seq') : 0;
}

function versionAt(reader: Reader, seq: number, now: number): BlackboardVersion | null {
  const row = reader.get('SELECT * FROM blackboard_version WHERE seq = ?', seq);
  return row ? versionOf(row, now) : null;
}

function withinBytes(rows: Row[], most: number): Row[] {
  let bytes = 0;
  const beyond = rows.findIndex((row, index) => {
    bytes += integerOf(row, 'bytes');
    return bytes > most && index > 0;
  });
  return beyond === -1 ? rows : rows.slice(0, beyond);
}
