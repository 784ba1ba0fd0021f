import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { AuditCheckpoint } from '@openlegion/contract/audit-record';
import { parseCheckpoint } from '../process/keeper-answers.ts';
import { VaultError } from '../process/vault-error.ts';

/** Signed points of both chains, remembered here, where the host cannot change them. */
export interface Checkpoints {
  /**
   * Signs that the chain had this hash at this record. Throws `conflict`, rule `audit.checkpoint`, when a later
   * record, or another hash at this one, is signed already: the chain was cut short or rewritten.
   */
  sign(chain: AuditCheckpoint['chain'], seq: number, hash: string): AuditCheckpoint;
  /** The newest, its signature verified; throws `internal` when that is not ours. */
  newest(chain: AuditCheckpoint['chain']): AuditCheckpoint | null;
  list(): AuditCheckpoint[];
  publicKeyPem: string;
}

/** Each covers all before it, so older ones may go. */
const KEPT_PER_CHAIN = 1000;

/** What the contract's `checkpointText` gives; a test holds the two together. */
export function checkpointBytes({ chain, seq, hash, at }: Omit<AuditCheckpoint, 'signature'>): Buffer {
  return Buffer.from(JSON.stringify(['openlegion-audit-checkpoint-v1', chain, seq, hash, at]));
}

export function createCheckpoints(
  database: DatabaseSync,
  signingKey: KeyObject,
  now: () => number,
): Checkpoints {
  const insert = database.prepare(
    'INSERT INTO checkpoint (chain, seq, hash, at, signature) VALUES (?, ?, ?, ?, ?)',
  );
  const select = database.prepare('SELECT * FROM checkpoint WHERE chain = ? ORDER BY seq DESC LIMIT 1');
  const selectAll = database.prepare('SELECT * FROM checkpoint ORDER BY chain, seq');
  const thin = database.prepare(
    'DELETE FROM checkpoint WHERE chain = ?1 AND seq <= (SELECT seq FROM checkpoint WHERE chain = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)',
  );
  const publicKey = createPublicKey(signingKey);

  function newest(chain: AuditCheckpoint['chain']): AuditCheckpoint | null {
    const row = select.get(chain);
    if (!row) return null;
    const checkpoint = parseCheckpoint(row, 'checkpoint');
    if (!verify(null, checkpointBytes(checkpoint), publicKey, Buffer.from(checkpoint.signature, 'base64')))
      throw refuse(
        'internal',
        `A remembered checkpoint of the ${chain}'s audit chain is not signed by this vault.`,
      );
    return checkpoint;
  }

  return {
    sign(chain, seq, hash) {
      const last = newest(chain);
      if (last && seq < last.seq)
        throw refuse(
          'conflict',
          `Record ${last.seq} of the ${chain}'s audit chain is signed, but it now ends at ${seq}.`,
        );
      if (last && seq === last.seq) {
        if (hash === last.hash) return last;
        throw refuse('conflict', `Record ${seq} of the ${chain}'s audit chain was signed with another hash.`);
      }
      const open = { chain, seq, hash, at: new Date(now()).toISOString() };
      const signature = sign(null, checkpointBytes(open), signingKey).toString('base64');
      insert.run(chain, seq, hash, open.at, signature);
      thin.run(chain, KEPT_PER_CHAIN);
      return { ...open, signature };
    },
    newest,
    list: () => selectAll.all().map((row) => parseCheckpoint(row, 'checkpoint')),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

function refuse(code: 'conflict' | 'internal', message: string): VaultError {
  return new VaultError({
    code,
    rule: 'audit.checkpoint',
    message,
    remedy:
      'Records were removed or rewritten: run `./openlegion audit verify` and keep the files as evidence.',
  });
}
