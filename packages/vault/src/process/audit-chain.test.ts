import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import {
  type AuditCheckpoint,
  AuditRecord,
  auditRecordText,
  checkpointText,
} from '@openlegion/contract/audit-record';
import { ask, NOWHERE, openKeeper, policyFor, temporaryDirectory } from '../keeper/test/open-keeper.ts';

const clock = { nowMs: Date.UTC(2026, 10, 21) };
const hash = (digit: string) => digit.repeat(64);

function grow(keeper: ReturnType<typeof openKeeper>, records: number): void {
  for (let made = 0; made < records; made += 1)
    ask(keeper, 'host', 'policy', policyFor({ assistant: { daily: made + 1 } }));
}

test('every record is of the contract, and a stranger can verify the chain and its checkpoints', () => {
  using directory = temporaryDirectory();
  const keeper = openKeeper(directory.path, clock);
  grow(keeper, 250);
  const records: AuditRecord[] = [];
  for (let page = -1; page !== 0; ) {
    const read = (
      ask(keeper, 'host', 'audit', { after: records.length, limit: 100 }) as { records: AuditRecord[] }
    ).records;
    page = read.length;
    records.push(...read.map((record) => AuditRecord.parse(record)));
  }
  let previous = hash('0');
  for (const [index, record] of records.entries()) {
    assert.equal(record.seq, index + 1);
    assert.equal(record.previousHash, previous);
    assert.equal(record.hash, createHash('sha256').update(auditRecordText(record)).digest('hex'));
    previous = record.hash;
  }
  assert.deepEqual(
    records.slice(0, 2).map(({ type }) => type),
    ['keeper.started', 'vault.created'],
  );
  const { checkpoints, publicKeyPem } = ask(keeper, 'admin', 'checkpoints', {}) as {
    checkpoints: AuditCheckpoint[];
    publicKeyPem: string;
  };
  assert.deepEqual(
    checkpoints.map(({ seq }) => seq),
    [100, 200],
  );
  for (const checkpoint of checkpoints) {
    assert.equal(checkpoint.hash, records[checkpoint.seq - 1]?.hash);
    assert.ok(
      verify(
        null,
        Buffer.from(checkpointText(checkpoint)),
        createPublicKey(publicKeyPem),
        Buffer.from(checkpoint.signature, 'base64'),
      ),
    );
  }
  keeper.close();
});

test('a host chain that was cut short or rewritten is not signed, and that is recorded', () => {
  using directory = temporaryDirectory();
  const keeper = openKeeper(directory.path, clock);
  const sign = (seq: number, of: string) =>
    ask(keeper, 'host', 'checkpoint', { chain: 'host', seq, hash: of });
  const first = sign(5, hash('a'));
  assert.deepEqual(sign(5, hash('a')), first, 'the same point again is the same checkpoint');
  const refused = { refused: 'conflict', rule: 'audit.checkpoint' };
  assert.deepEqual(sign(4, hash('a')), refused);
  assert.deepEqual(sign(5, hash('b')), refused);
  assert.ok('signature' in (sign(6, hash('b')) as object));
  assert.deepEqual(sign(5, hash('a')), refused);
  const { records } = ask(keeper, 'admin', 'audit', { after: 2, limit: 10 }) as { records: AuditRecord[] };
  assert.deepEqual(
    records.map(({ type }) => type),
    [
      'checkpoint.signed',
      'checkpoint.refused',
      'checkpoint.refused',
      'checkpoint.signed',
      'checkpoint.refused',
    ],
  );
  keeper.close();
});

test('the keeper does not start on a chain of its own that was edited, cut or re-signed', () => {
  const edits = [
    "UPDATE audit SET actor = 'nobody' WHERE seq = 3",
    'DELETE FROM audit WHERE seq >= 3',
    'DELETE FROM audit WHERE seq = 3',
    "UPDATE checkpoint SET hash = printf('%064d', 0)",
    'UPDATE checkpoint SET seq = seq - 1',
  ];
  for (const [index, edit] of edits.entries()) {
    using directory = temporaryDirectory();
    const keeper = openKeeper(directory.path, clock);
    grow(keeper, 5);
    keeper.close();
    const database = new DatabaseSync(join(directory.path, 'vault.db'));
    // What is older than the newest checkpoint is verified by whoever reads the chain; so the signed end is moved back.
    if (index === 0 || index === 2) database.exec('DELETE FROM checkpoint');
    database.exec(edit);
    database.close();
    assert.throws(() => openKeeper(directory.path, clock), { code: 'internal' }, edit);
  }
});

test('a page of the chain fits into one line', () => {
  using directory = temporaryDirectory();
  const keeper = openKeeper(directory.path, clock);
  const origins = Array.from(
    { length: 20 },
    (_, index) => `https://${`h${index}`.padEnd(60, 'x')}.${'y'.repeat(60)}.example`,
  );
  for (let made = 0; made < 400; made += 1)
    ask(keeper, 'admin', 'put', { name: 'OPENLEGION_CRED_WIDE', value: 'v', origins, ...NOWHERE });
  const page = ask(keeper, 'host', 'audit', { after: 0, limit: 10_000 }) as { records: unknown[] };
  assert.ok(
    JSON.stringify(page).length < 1_048_576 && page.records.length > 100 && page.records.length < 402,
  );
  keeper.close();
});
