import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { AuditRecord } from '@openlegion/contract/audit-record';
import { parseAuditRecord } from '../process/keeper-answers.ts';
import { VaultError } from '../process/vault-error.ts';

export interface AuditEntry {
  type: string;
  actor: string;
  subject: string;
  decision: AuditRecord['decision'];
  rule: string;
  traceId: string;
  detail: Readonly<Record<string, string | number | readonly string[]>>;
}

/** The keeper's own hash chain. `append` belongs in the transaction of the effect that it records. */
export interface AuditChain {
  append(entry: AuditEntry): AuditRecord;
  /** Records after `after`, oldest first, as many as fit into `maxBytes` and `limit`. */
  read(after: number, limit: number, maxBytes: number): AuditRecord[];
  head(): { seq: number; hash: string };
  /** Throws `internal`, rule `audit.chain`, unless the records from `seq` on are unbroken and `seq` has this hash. */
  verifyFrom(seq: number, hash: string): void;
}

/** Something that happened on no decision of ours and in no trace. */
export function fact(type: string, actor: string, subject: string, detail: AuditEntry['detail']): AuditEntry {
  return { type, actor, subject, decision: 'none', rule: '', traceId: '', detail };
}

export const SIGNED_EVERY = 100;
export const FIRST_PREVIOUS_HASH = '0'.repeat(64);

/** What the contract's `auditRecordText` hashes, byte for byte; a test holds the two together. */
export function auditRecordHash(record: Omit<AuditRecord, 'hash'>): string {
  const { seq, at, type, actor, subject, decision, rule, traceId, detail, previousHash } = record;
  const text = JSON.stringify([seq, at, type, actor, subject, decision, rule, traceId, detail, previousHash]);
  return createHash('sha256').update(text).digest('hex');
}

/** `sign` is called, in the same transaction, with every `SIGNED_EVERY`th record. */
export function createAuditChain(
  database: DatabaseSync,
  now: () => number,
  sign: (seq: number, hash: string) => void,
): AuditChain {
  const insert = database.prepare('INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const last = database.prepare('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1');
  const select = database.prepare('SELECT * FROM audit WHERE seq > ? ORDER BY seq');

  function head(): { seq: number; hash: string } {
    const row = last.get();
    return row ? { seq: Number(row.seq), hash: String(row.hash) } : { seq: 0, hash: FIRST_PREVIOUS_HASH };
  }

  return {
    append(entry) {
      const { seq, hash: previousHash } = head();
      const { type, actor, subject, decision, rule, traceId } = entry;
      const at = new Date(now()).toISOString();
      const detail = JSON.stringify(entry.detail);
      const open = { seq: seq + 1, at, type, actor, subject, decision, rule, traceId, detail, previousHash };
      const record = { ...open, hash: auditRecordHash(open) };
      insert.run(...Object.values(record));
      if (record.seq % SIGNED_EVERY === 0) sign(record.seq, record.hash);
      return record;
    },
    read(after, limit, maxBytes) {
      const records: AuditRecord[] = [];
      let bytes = 0;
      for (const row of select.iterate(after)) {
        const record = parseAuditRecord(row, 'audit');
        bytes += Buffer.byteLength(JSON.stringify(record)) + 1;
        if (records.length === limit || bytes > maxBytes) break;
        records.push(record);
      }
      return records;
    },
    head,
    verifyFrom(seq, hash) {
      let previous = { seq, hash };
      if (seq > 0 && select.get(seq - 1)?.hash !== hash) throw broken(seq);
      for (const row of select.iterate(seq)) {
        const record = parseAuditRecord(row, 'audit');
        const { hash: recorded, ...open } = record;
        const linked = record.seq === previous.seq + 1 && record.previousHash === previous.hash;
        if (!linked || auditRecordHash(open) !== recorded) throw broken(record.seq);
        previous = record;
      }
    },
  };
}

function broken(seq: number): VaultError {
  return new VaultError({
    code: 'internal',
    rule: 'audit.chain',
    message: `The vault's audit chain is broken at record ${seq}: it was changed by something other than the keeper.`,
    remedy: 'Keep data/keeper as evidence, put back its newest copy, and find out who could write to it.',
  });
}
