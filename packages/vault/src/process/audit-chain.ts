import { createPublicKey, hash as digest, type KeyObject, sign as signBytes, verify } from 'node:crypto';
import type { AuditCheckpoint, AuditRecord } from '@openlegion/contract/audit-record';
import type { Database } from './database.ts';
import { parseAuditRecord, parseCheckpoint } from './keeper-answers.ts';
import { brokenChain, brokenCheckpoint } from './keeper-refusals.ts';
import { VaultError } from './vault-error.ts';

/** `decision`, `rule` and `traceId` stay out of what happened on no decision of ours and in no trace. */
export interface AuditEntry {
  type: string;
  actor: string;
  subject: string;
  decision?: AuditRecord['decision'];
  rule?: string;
  traceId?: string;
  detail?: Readonly<Record<string, string | number | readonly string[]>>;
}

const FIRST_PREVIOUS_HASH = '0'.repeat(64);
const SIGNED_EVERY = 100;
/** Of each chain; every checkpoint covers all before it, so older ones may go. */
const KEPT_CHECKPOINTS = 1000;
/** Refusals of one kind that are written down. Each costs a write, and an agent can cause them without end at no cost of its own. */
const REFUSALS_PER_MINUTE = 20;
const MOST_KINDS = 1000;

/** What the contract's `auditRecordText` hashes, byte for byte; a test holds the two together. */
function hashOf(record: Omit<AuditRecord, 'hash'>): string {
  const { seq, at, type, actor, subject, decision, rule, traceId, detail, previousHash } = record;
  const text = JSON.stringify([seq, at, type, actor, subject, decision, rule, traceId, detail, previousHash]);
  return digest('sha256', text, 'hex');
}

/** What the contract's `checkpointText` gives; a test holds the two together. */
function checkpointBytes({ chain, seq, hash, at }: Omit<AuditCheckpoint, 'signature'>): Buffer {
  return Buffer.from(JSON.stringify(['openlegion-audit-checkpoint-v1', chain, seq, hash, at]));
}

export type Audit = ReturnType<typeof createAudit>;

/**
 * The keeper's own hash chain, and the signed points of both chains, remembered here, where the host cannot change
 * them. Throws `internal`, rule `audit.chain`, unless the chain is whole from its newest checkpoint on.
 */
export function createAudit(database: Database, signingKey: KeyObject, now: () => number) {
  const publicKey = createPublicKey(signingKey);
  const kinds = new Map<string, { sinceMs: number; recorded: number; unrecorded: number }>();
  let known: { seq: number; hash: string; undone: number } | null = null;

  function head(): { seq: number; hash: string } {
    if (known?.undone === database.undone()) return known;
    const row = database.get('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1');
    return row ? { seq: Number(row.seq), hash: String(row.hash) } : { seq: 0, hash: FIRST_PREVIOUS_HASH };
  }

  /** Belongs in the transaction of the effect that it records. */
  function append(entry: AuditEntry): void {
    const { seq, hash: previousHash } = head();
    const { type, actor, subject, decision = 'none', rule = '', traceId = '' } = entry;
    const at = new Date(now()).toISOString();
    const detail = JSON.stringify(entry.detail ?? {});
    const open = { seq: seq + 1, at, type, actor, subject, decision, rule, traceId, detail, previousHash };
    const hash = hashOf(open);
    database.run(
      'INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[...Object.values(open), hash],
    );
    known = { seq: open.seq, hash, undone: database.undone() };
    if (open.seq % SIGNED_EVERY === 0) sign('keeper', open.seq, hash);
  }

  /** Records a refusal on disk, or only counts it where there were too many of its kind within a minute. */
  function refused(kind: string, entry: AuditEntry): void {
    const at = now();
    // Kinds are of policy's agents and our own rules; should they be many, forgetting only records more.
    if (kinds.size >= MOST_KINDS) kinds.clear();
    const seen = kinds.get(kind) ?? { sinceMs: at, recorded: 0, unrecorded: 0 };
    kinds.set(kind, seen);
    if (Math.abs(at - seen.sinceMs) >= 60_000) Object.assign(seen, { sinceMs: at, recorded: 0 });
    if (seen.recorded >= REFUSALS_PER_MINUTE) {
      seen.unrecorded += 1;
      return;
    }
    const detail = { ...entry.detail, unrecorded: seen.unrecorded };
    database.durable(() => append({ ...entry, decision: 'denied', detail }));
    seen.recorded += 1;
    seen.unrecorded = 0;
  }

  /** Runs `work`; a refusal that it throws is recorded as `entry` with its rule and code, and thrown on. */
  function orRefused<T>(work: () => T, isKnown: boolean, entry: AuditEntry): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      const { rule, code } = error;
      // Strangers share one count: their names are whatever they say.
      const kind = isKnown ? `${entry.actor} ${rule}` : 'unknown';
      refused(kind, { ...entry, rule, detail: { ...entry.detail, code } });
      throw error;
    }
  }

  /** The newest checkpoint of a chain, its signature verified; throws `internal` when that is not ours. */
  function newest(chain: AuditCheckpoint['chain']): AuditCheckpoint | null {
    const row = database.get('SELECT * FROM checkpoint WHERE chain = ? ORDER BY seq DESC LIMIT 1', chain);
    if (!row) return null;
    const checkpoint = parseCheckpoint(row, 'checkpoint');
    if (!verify(null, checkpointBytes(checkpoint), publicKey, Buffer.from(checkpoint.signature, 'base64')))
      throw brokenCheckpoint(
        'internal',
        `A remembered checkpoint of the ${chain}'s audit chain is not signed by this vault.`,
      );
    return checkpoint;
  }

  /**
   * Signs that the chain had this hash at this record; in a transaction. Throws `conflict`, rule `audit.checkpoint`,
   * when a later record, or another hash at this one, is signed already: the chain was cut short or rewritten.
   */
  function sign(chain: AuditCheckpoint['chain'], seq: number, hash: string): AuditCheckpoint {
    const last = newest(chain);
    if (last && seq < last.seq)
      throw brokenCheckpoint(
        'conflict',
        `Record ${last.seq} of the ${chain}'s audit chain is signed, but it now ends at ${seq}.`,
      );
    if (last && seq === last.seq) {
      if (hash === last.hash) return last;
      throw brokenCheckpoint(
        'conflict',
        `Record ${seq} of the ${chain}'s audit chain was signed with another hash.`,
      );
    }
    const open = { chain, seq, hash, at: new Date(now()).toISOString() };
    const signature = signBytes(null, checkpointBytes(open), signingKey).toString('base64');
    database.run(
      'INSERT INTO checkpoint (chain, seq, hash, at, signature) VALUES (?, ?, ?, ?, ?)',
      ...[chain, seq, hash, open.at, signature],
    );
    database.run(
      'DELETE FROM checkpoint WHERE chain = ?1 AND seq <= (SELECT seq FROM checkpoint WHERE chain = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)',
      ...[chain, KEPT_CHECKPOINTS],
    );
    return { ...open, signature };
  }

  /** Signs a point of the host's chain, and records that, or that it was refused. */
  function signHost(seq: number, hash: string): AuditCheckpoint {
    const about = { actor: 'host', subject: `host chain at ${seq}`, detail: { hash } };
    const signed = (): AuditCheckpoint => {
      const before = newest('host');
      const checkpoint = sign('host', seq, hash);
      if (seq !== before?.seq) append({ type: 'checkpoint.signed', ...about });
      return checkpoint;
    };
    return orRefused(() => database.durable(signed), true, { type: 'checkpoint.refused', ...about });
  }

  function verifyChain(): void {
    let previous: { seq: number; hash: string } = newest('keeper') ?? { seq: 0, hash: FIRST_PREVIOUS_HASH };
    const signed = database.get('SELECT hash FROM audit WHERE seq = ?', previous.seq);
    if (previous.seq > 0 && signed?.hash !== previous.hash) throw brokenChain(previous.seq);
    for (const row of database.each('SELECT * FROM audit WHERE seq > ? ORDER BY seq', previous.seq)) {
      const record = parseAuditRecord(row, 'audit');
      const isLinked = record.seq === previous.seq + 1 && record.previousHash === previous.hash;
      if (!isLinked || hashOf(record) !== record.hash) throw brokenChain(record.seq);
      previous = record;
    }
  }
  verifyChain();

  return {
    ...{ append, refused, orRefused, sign, signHost, newest, head },
    /** Records after `after`, oldest first, as many as fit into `maxBytes` and `limit`. */
    read(after: number, limit: number, maxBytes: number): AuditRecord[] {
      const records: AuditRecord[] = [];
      let bytes = 0;
      for (const row of database.each('SELECT * FROM audit WHERE seq > ? ORDER BY seq', after)) {
        const record = parseAuditRecord(row, 'audit');
        bytes += Buffer.byteLength(JSON.stringify(record)) + 1;
        if (records.length === limit || bytes > maxBytes) break;
        records.push(record);
      }
      return records;
    },
    checkpoints: () =>
      database
        .all('SELECT * FROM checkpoint ORDER BY chain, seq')
        .map((row) => parseCheckpoint(row, 'checkpoint')),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}
