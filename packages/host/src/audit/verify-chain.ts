import { createPublicKey, verify } from 'node:crypto';
import { type AuditCheckpoint, type AuditRecord, checkpointText } from '@openlegion/contract/audit-record';
import { GENESIS_HASH, hashOf } from './audit-log.ts';

export interface ChainVerdict {
  intact: boolean;
  /** Records read. */
  records: number;
  /** Checkpoints whose signature holds and whose record is as signed. */
  checkpoints: number;
  /** The newest record that a checkpoint vouches for; what comes after it could still be cut off unseen. */
  vouchedUpTo: number;
  problems: { seq: number; what: string }[];
}

/** Problems named; a chain broken in more places is broken enough. */
const MOST_PROBLEMS = 20;

/**
 * Whether the records are those that were written: each hash is of its record and the one before, none is missing,
 * and every checkpoint (signed with the keeper's key, given as PEM) names a record that is there with that hash.
 * Finds any edit, deletion, insertion, and truncation up to the newest checkpoint given. `checkpoints` should be
 * the keeper's own list: one taken from beside the records can have been cut with them. Pure.
 */
export function verifyChain(
  records: Iterable<AuditRecord>,
  checkpoints: readonly AuditCheckpoint[],
  publicKeyPem: string | null,
): ChainVerdict {
  const problems: ChainVerdict['problems'] = [];
  const note = (seq: number, what: string) => {
    if (problems.length < MOST_PROBLEMS) problems.push({ seq, what });
  };
  const signed = new Map(checkpoints.map((checkpoint) => [checkpoint.seq, checkpoint]));
  const found = new Map<number, string>([[0, GENESIS_HASH]]);
  let expected = 1;
  let previousHash = GENESIS_HASH;
  for (const record of records) {
    if (record.seq !== expected) note(expected, `record ${expected} is missing; ${record.seq} follows`);
    if (record.previousHash !== previousHash) note(record.seq, 'does not continue the record before it');
    if (hashOf(record) !== record.hash) note(record.seq, 'was changed after it was written');
    if (signed.has(record.seq)) found.set(record.seq, record.hash);
    expected = record.seq + 1;
    previousHash = record.hash;
  }

  const key = publicKeyPem === null ? null : createPublicKey(publicKeyPem);
  let good = 0;
  let vouchedUpTo = 0;
  for (const checkpoint of checkpoints) {
    const { seq, signature } = checkpoint;
    const hash = found.get(seq);
    if (hash === undefined) note(seq, 'a checkpoint names this record, and it is not there: the log was cut');
    else if (hash !== checkpoint.hash) note(seq, 'is not the record that the checkpoint was signed for');
    else if (!key) continue;
    else if (!verify(null, Buffer.from(checkpointText(checkpoint)), key, Buffer.from(signature, 'base64')))
      note(seq, 'the signature of its checkpoint does not hold');
    else {
      good += 1;
      vouchedUpTo = Math.max(vouchedUpTo, seq);
    }
  }
  return { intact: problems.length === 0, records: expected - 1, checkpoints: good, vouchedUpTo, problems };
}
