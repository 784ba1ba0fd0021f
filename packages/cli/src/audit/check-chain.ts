import { createHash, verify as verifySignature } from 'node:crypto';
import {
  type AuditCheckpoint,
  type AuditRecord,
  auditRecordText,
  checkpointText,
} from '@openlegion/contract/audit-record';

export interface ChainFinding {
  chain: 'host' | 'keeper';
  seq: number;
  problem: string;
}

export interface ChainCheck {
  chain: 'host' | 'keeper';
  records: number;
  checkpoints: number;
  /** Up to here the keeper's signature covers the chain: a change, a deletion or a cut before it would show. */
  coveredSeq: number;
  findings: ChainFinding[];
}

/** The keeper signs after 200 records and after a minute: so many without a signature are none that it saw. */
const MOST_UNSIGNED = 1000;
const GENESIS = '0'.repeat(64);
const MAX_FINDINGS = 100;

/**
 * Checks one hash chain against itself and against the checkpoints that the keeper signed. Finds an edited record
 * (its hash no longer fits), a removed, inserted or reordered one (number or link do not follow), and a cut end
 * (a checkpoint speaks of a record that is not there). Records newer than the last checkpoint are held only by
 * their links.
 */
export function createChainCheck(
  chain: 'host' | 'keeper',
  checkpoints: readonly AuditCheckpoint[],
  publicKeyPem: string | null,
) {
  const findings: ChainFinding[] = [];
  const find = (seq: number, problem: string) => {
    if (findings.length < MAX_FINDINGS) findings.push({ chain, seq, problem });
  };
  const own = checkpoints.filter((checkpoint) => checkpoint.chain === chain && checkpoint.seq > 0);
  const bySeq = new Map<number, AuditCheckpoint[]>();
  for (const checkpoint of own) {
    if (publicKeyPem === null) {
      find(checkpoint.seq, 'this checkpoint cannot be checked: the public key of the keeper is missing');
      continue;
    }
    if (!isSigned(checkpoint, publicKeyPem)) {
      find(checkpoint.seq, 'this checkpoint is not signed by the keeper of this installation');
      continue;
    }
    bySeq.set(checkpoint.seq, [...(bySeq.get(checkpoint.seq) ?? []), checkpoint]);
  }
  let expectedSeq = 1;
  let previousHash = GENESIS;
  let records = 0;
  let coveredSeq = 0;

  return {
    add(record: AuditRecord): void {
      records += 1;
      if (record.seq !== expectedSeq) {
        const text =
          record.seq > expectedSeq
            ? `records ${expectedSeq} to ${record.seq - 1} are missing`
            : 'this record is out of order';
        find(record.seq, text);
      } else if (record.previousHash !== previousHash)
        find(record.seq, 'it does not follow from the record before it');
      if (createHash('sha256').update(auditRecordText(record)).digest('hex') !== record.hash) {
        find(record.seq, 'its contents were changed: the hash does not fit');
      }
      for (const checkpoint of bySeq.get(record.seq) ?? []) {
        if (checkpoint.hash === record.hash) coveredSeq = Math.max(coveredSeq, record.seq);
        else
          find(
            record.seq,
            `the keeper signed another record here on ${checkpoint.at}: the chain was rewritten`,
          );
      }
      expectedSeq = record.seq + 1;
      previousHash = record.hash;
    },
    result(): ChainCheck {
      if (own.length === 0 && records > MOST_UNSIGNED)
        find(
          0,
          `the keeper has signed none of ${records} records: its checkpoints were removed, or the chain is another`,
        );
      if (chain === 'keeper' && records === 0 && publicKeyPem !== null)
        find(0, 'there is a key of the keeper and no record of its start: its chain was removed');
      for (const [seq, [checkpoint]] of bySeq) {
        if (seq >= expectedSeq) {
          find(
            seq,
            `the chain ends at ${expectedSeq - 1}, but on ${checkpoint?.at} the keeper signed record ${seq}: the end was cut off`,
          );
        }
      }
      return { chain, records, checkpoints: own.length, coveredSeq, findings };
    },
  };
}

function isSigned(checkpoint: AuditCheckpoint, publicKeyPem: string): boolean {
  try {
    return verifySignature(
      null,
      Buffer.from(checkpointText(checkpoint)),
      publicKeyPem,
      Buffer.from(checkpoint.signature, 'base64'),
    );
  } catch {
    return false;
  }
}
