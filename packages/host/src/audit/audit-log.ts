import { createHash } from 'node:crypto';
import { AuditCheckpoint, AuditRecord, auditRecordText } from '@openlegion/contract/audit-record';
import { type Clock, isoTime } from '../clock.ts';
import type { Database, Transaction } from '../store/database.ts';
import { integerOf, type Row, textOf } from '../store/row.ts';

export const GENESIS_HASH = '0'.repeat(64);

export interface AuditEntry {
  type: string;
  actor: string;
  subject: string;
  decision?: 'allowed' | 'denied' | 'none';
  rule?: string;
  traceId?: string;
  /** Facts beyond the columns; never a secret, never the text of a message. */
  detail?: Record<string, string | number | boolean | null>;
}

/** The host's chain. A record is on disk before what it records takes effect; what cannot be recorded is not done. */
export interface AuditLog {
  /** Within a transaction of the caller's: the record and what it records are stored together or not at all. */
  append(transaction: Transaction, entry: AuditEntry): void;
  /** Resolves when the record is on disk. Rejects when it is not: the caller must then not do what it records. */
  record(entry: AuditEntry): Promise<void>;
  /** Records after `after`, oldest first. */
  read(after: number, limit: number): AuditRecord[];
  /** Records of one trace whose type begins with `type`, oldest first, at most 1,000. */
  ofTrace(traceId: string, type: string): AuditRecord[];
  head(): { seq: number; hash: string };
  storeCheckpoint(checkpoint: AuditCheckpoint): Promise<void>;
  checkpoints(): AuditCheckpoint[];
}

export function createAuditLog(options: {
  database: Database;
  clock: Clock;
  /** Told of the newest sequence number after `record`. */
  onRecord?: () => void;
}): AuditLog {
  const { database, clock, onRecord } = options;

  function append(transaction: Transaction, entry: AuditEntry): void {
    const last = transaction.get('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1');
    const record = {
      seq: last ? integerOf(last, 'seq') + 1 : 1,
      at: isoTime(clock),
      type: entry.type,
      actor: entry.actor.slice(0, 100),
      subject: entry.subject.slice(0, 300),
      decision: entry.decision ?? 'none',
      rule: (entry.rule ?? '').slice(0, 200),
      traceId: (entry.traceId ?? '').slice(0, 100),
      detail: detailText(entry.detail),
      previousHash: last ? textOf(last, 'hash') : GENESIS_HASH,
    } as const;
    transaction.run(
      'INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      record.seq,
      record.at,
      record.type,
      record.actor,
      record.subject,
      record.decision,
      record.rule,
      record.traceId,
      record.detail,
      record.previousHash,
      hashOf(record),
    );
    onRecord?.();
  }

  return {
    append,
    record: (entry) => database.write((transaction) => append(transaction, entry)),
    read: (after, limit) =>
      database.all('SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?', after, limit).map(recordOf),
    ofTrace: (traceId, type) =>
      database
        .all(
          "SELECT * FROM audit WHERE trace_id = ? AND trace_id <> '' AND substr(type, 1, ?) = ? ORDER BY seq LIMIT 1000",
          traceId,
          type.length,
          type,
        )
        .map(recordOf),
    head() {
      const last = database.get('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1');
      return last
        ? { seq: integerOf(last, 'seq'), hash: textOf(last, 'hash') }
        : { seq: 0, hash: GENESIS_HASH };
    },
    storeCheckpoint: (checkpoint) =>
      database.write((transaction) => {
        const { seq, hash, at, signature } = checkpoint;
        transaction.run(
          'INSERT OR REPLACE INTO audit_checkpoint VALUES (?, ?, ?, ?)',
          seq,
          hash,
          at,
          signature,
        );
      }),
    checkpoints: () => database.all('SELECT * FROM audit_checkpoint ORDER BY seq').map(checkpointOf),
  };
}

/** SHA-256, lower-case hex, over the record's canonical text. */
export function hashOf(record: Omit<AuditRecord, 'hash'>): string {
  return createHash('sha256').update(auditRecordText(record)).digest('hex');
}

/** Canonical JSON: keys in order, so that the same facts always have the same bytes. */
function detailText(detail: AuditEntry['detail'] = {}): string {
  const text = JSON.stringify(
    Object.fromEntries(Object.entries(detail).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  return text.length <= 8192 ? text : JSON.stringify({ truncated: text.length });
}

function recordOf(row: Row): AuditRecord {
  return AuditRecord.parse({
    seq: row.seq,
    at: row.at,
    type: row.type,
    actor: row.actor,
    subject: row.subject,
    decision: row.decision,
    rule: row.rule,
    traceId: row.trace_id,
    detail: row.detail,
    previousHash: row.previous_hash,
    hash: row.hash,
  });
}

function checkpointOf(row: Row): AuditCheckpoint {
  return AuditCheckpoint.parse({
    chain: 'host',
    seq: row.seq,
    hash: row.hash,
    at: row.at,
    signature: row.signature,
  });
}
