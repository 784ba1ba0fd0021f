import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import {
  type AuditCheckpoint,
  type AuditRecord,
  auditRecordText,
  checkpointText,
} from '@openlegion/contract/audit-record';
import { createChainCheck } from './check-chain.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const PEM = publicKey.export({ type: 'spki', format: 'pem' }).toString();

/** A sound chain; with `edit`, one that was rewritten from there on with hashes that fit. */
function chainOf(length: number, edit?: { seq: number; subject: string }): AuditRecord[] {
  const records: AuditRecord[] = [];
  let previousHash = '0'.repeat(64);
  for (let seq = 1; seq <= length; seq += 1) {
    const open = {
      seq,
      at: '2026-11-21T00:00:00.000Z',
      type: 'message.accepted',
      actor: 'user',
      subject: edit?.seq === seq ? edit.subject : 'assistant',
      decision: 'allowed' as const,
      rule: 'r',
      traceId: 't',
      detail: '{}',
      previousHash,
    };
    const hash = createHash('sha256').update(auditRecordText(open)).digest('hex');
    records.push({ ...open, hash });
    previousHash = hash;
  }
  return records;
}

function checkpointOf(record: AuditRecord | undefined, key = privateKey): AuditCheckpoint {
  assert.ok(record);
  const open = { chain: 'host' as const, seq: record.seq, hash: record.hash, at: '2026-11-21T00:00:00.000Z' };
  return { ...open, signature: sign(null, Buffer.from(checkpointText(open)), key).toString('base64') };
}

function check(
  records: readonly AuditRecord[],
  checkpoints: readonly AuditCheckpoint[],
  pem: string | null = PEM,
) {
  const chain = createChainCheck('host', checkpoints, pem);
  for (const record of records) chain.add(record);
  return chain.result();
}

const sound = chainOf(10);
const signed = [checkpointOf(sound[4]), checkpointOf(sound[7])];

test('a chain that no one touched is sound, and covered to its last checkpoint', () => {
  assert.deepEqual(check(sound, signed), {
    chain: 'host',
    records: 10,
    checkpoints: 2,
    coveredSeq: 8,
    findings: [],
  });
  assert.equal(check([], []).findings.length, 0);
});

test('an edit, a deletion, an insertion and a swap are found', () => {
  const edited = sound.map((record) =>
    record.seq === 3 ? { ...record, decision: 'denied' as const } : record,
  );
  assert.match(check(edited, signed).findings[0]?.problem ?? '', /contents were changed/);
  assert.match(check(sound.toSpliced(4, 1), signed).findings[0]?.problem ?? '', /records 5 to 5 are missing/);
  assert.ok(check(sound.toSpliced(4, 0, sound[1] ?? assert.fail()), signed).findings.length > 0);
  assert.ok(
    check(
      sound.toSorted((a, b) => b.seq - a.seq),
      signed,
    ).findings.length > 0,
  );
  assert.match(check(sound.slice(1), signed).findings[0]?.problem ?? '', /records 1 to 1 are missing/);
});

test('an end that was cut off before a checkpoint is found, also when all is gone', () => {
  assert.match(
    check(sound.slice(0, 6), signed).findings[0]?.problem ?? '',
    /ends at 6, but .* signed record 8/,
  );
  assert.equal(check([], signed).findings.length, 2);
});

test('a chain that was rewritten with hashes that fit is found by the checkpoint', () => {
  const forged = chainOf(10, { seq: 2, subject: 'someone else' });
  assert.match(check(forged, signed).findings[0]?.problem ?? '', /signed another record here/);
});

test('a checkpoint that the keeper did not sign covers nothing', () => {
  const { privateKey: other } = generateKeyPairSync('ed25519');
  const forged = checkpointOf(sound[9], other);
  const result = check(sound, [forged]);
  assert.equal(result.coveredSeq, 0);
  assert.match(result.findings[0]?.problem ?? '', /not signed by the keeper/);
  assert.equal(check(sound, signed, null).findings.length, 2);
});
