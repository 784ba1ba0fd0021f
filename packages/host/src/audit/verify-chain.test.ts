import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { type AuditCheckpoint, type AuditRecord, checkpointText } from '@openlegion/contract/audit-record';
import fc from 'fast-check';
import { createManualClock } from '../manual-clock.ts';
import { openDatabase } from '../store/database.ts';
import { MESH_MIGRATIONS } from '../store/mesh-schema.ts';
import { createAuditLog, hashOf } from './audit-log.ts';
import { createCheckpoints } from './checkpoints.ts';
import { verifyChain } from './verify-chain.ts';

const keys = generateKeyPairSync('ed25519');
const pem = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();

function signed(seq: number, hash: string): AuditCheckpoint {
  const point = { chain: 'host' as const, seq, hash, at: '2026-01-01T00:00:00.000Z' };
  return {
    ...point,
    signature: sign(null, Buffer.from(checkpointText(point)), keys.privateKey).toString('base64'),
  };
}

function chain(length: number): AuditRecord[] {
  const records: AuditRecord[] = [];
  for (let seq = 1; seq <= length; seq += 1) {
    const record = {
      seq,
      at: '2026-01-01T00:00:00.000Z',
      type: 't',
      actor: 'host',
      subject: `s${seq}`,
      decision: 'none',
      rule: '',
      traceId: '',
      detail: '{}',
      previousHash: records.at(-1)?.hash ?? '0'.repeat(64),
    } as const;
    records.push({ ...record, hash: hashOf(record) });
  }
  return records;
}

const at = (records: AuditRecord[], seq: number) => signed(seq, records[seq - 1]?.hash ?? '');

test('a chain as written is intact, and its checkpoint vouches for it', () => {
  const records = chain(10);
  assert.deepEqual(verifyChain(records, [at(records, 4), at(records, 8)], pem), {
    intact: true,
    records: 10,
    checkpoints: 2,
    vouchedUpTo: 8,
    problems: [],
  });
});

test('property: any edit, deletion, swap, insertion, rewriting or cut before the checkpoint is found', () => {
  const length = 12;
  const original = chain(length);
  const points = [at(original, length)];
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: length - 1 }),
      fc.constantFrom('edit', 'delete', 'swap', 'insert', 'rewrite', 'cut'),
      (index, attack) => {
        let records = structuredClone(original);
        const victim = records[index];
        assert.ok(victim);
        if (attack === 'edit') victim.subject = 'someone else';
        if (attack === 'delete') records.splice(index, 1);
        if (attack === 'swap')
          [records[index], records[(index + 1) % length]] = [records[(index + 1) % length] ?? victim, victim];
        if (attack === 'insert') records.splice(index, 0, victim);
        if (attack === 'cut') records = records.slice(0, index);
        if (attack === 'rewrite') {
          // With every hash after it made to fit, as anyone can who has the file.
          victim.subject = 'someone else';
          for (let next = index; next < length; next += 1) {
            const record = records[next];
            assert.ok(record);
            record.previousHash = records[next - 1]?.hash ?? '0'.repeat(64);
            record.hash = hashOf(record);
          }
        }
        assert.equal(verifyChain(records, points, pem).intact, false);
      },
    ),
  );
});

test('a checkpoint signed with another key is found', () => {
  const records = chain(3);
  const other = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
  assert.equal(verifyChain(records, [at(records, 3)], other).intact, false);
});

test('checkpoints are taken after 200 records, after a minute, and at stop; a keeper that is away is tried again', async () => {
  const directory = mkdtempSync(`${tmpdir()}/openlegion-audit-`);
  const clock = createManualClock();
  const database = openDatabase({ path: `${directory}/mesh.db`, migrations: MESH_MIGRATIONS });
  let away = false;
  const warnings: string[] = [];
  const audit = createAuditLog({ database, clock, onRecord: () => checkpoints.onRecord() });
  const checkpoints = createCheckpoints({
    clock,
    audit: () => audit,
    sign: async (seq, hash) => {
      if (away) throw new Error('away');
      return signed(seq, hash);
    },
    warn: (line) => warnings.push(line),
  });
  const settle = async () => {
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const record = () => audit.record({ type: 't', actor: 'host', subject: 's' });
  const seqs = () => audit.checkpoints().map(({ seq }) => seq);

  await record();
  clock.advance(59_000);
  await settle();
  assert.deepEqual(seqs(), []);
  clock.advance(1000);
  await settle();
  assert.deepEqual(seqs(), [1]);
  await Promise.all(Array.from({ length: 200 }, record));
  clock.advance(1);
  await settle();
  assert.deepEqual(seqs(), [1, 201]);
  away = true;
  await record();
  clock.advance(60_000);
  await settle();
  assert.equal(warnings.length, 1);
  away = false;
  await checkpoints.stop();
  assert.deepEqual(seqs(), [1, 201, 202]);
  assert.equal(verifyChain(audit.read(0, 1000), audit.checkpoints(), pem).vouchedUpTo, 202);
  database.close();
  rmSync(directory, { recursive: true });
});

test('what cannot be recorded is not done: the record and its effect are stored together or not at all', async () => {
  const directory = mkdtempSync(`${tmpdir()}/openlegion-audit-`);
  const database = openDatabase({ path: `${directory}/mesh.db`, migrations: MESH_MIGRATIONS });
  const audit = createAuditLog({ database, clock: createManualClock() });
  await assert.rejects(
    database.write((transaction) => {
      audit.append(transaction, { type: 't', actor: 'host', subject: 's' });
      throw new Error('the effect failed');
    }),
  );
  assert.deepEqual(audit.read(0, 10), []);
  database.close();
  await assert.rejects(audit.record({ type: 't', actor: 'host', subject: 's' }), { code: 'unavailable' });
  rmSync(directory, { recursive: true });
});
