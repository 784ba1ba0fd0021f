import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { auditRecordText, checkpointText } from './audit-record.ts';

const RECORD = {
  seq: 1,
  at: '2026-11-21T00:00:00.000Z',
  type: 'agent.started',
  actor: 'host',
  subject: 'researcher',
  decision: 'none',
  rule: '',
  traceId: '',
  detail: '{}',
  previousHash: '0'.repeat(64),
} as const;

test('the hashed text is fixed: a chain written today can be verified by any other implementation', () => {
  const hash = createHash('sha256').update(auditRecordText(RECORD)).digest('hex');
  assert.equal(hash, '189ba54bc2ad3297f17962fdabe2860362b9ca15e73dd6fd219141ee42e087f9');
});

test('every field is in the hashed text', () => {
  const text = auditRecordText(RECORD);
  for (const field of Object.keys(RECORD) as (keyof typeof RECORD)[]) {
    const changed = { ...RECORD, [field]: field === 'seq' ? 2 : `${RECORD[field]}x` };
    assert.notEqual(auditRecordText(changed as typeof RECORD), text, field);
  }
});

test('a checkpoint of one chain cannot be shown for the other', () => {
  const base = { seq: 1, hash: 'a'.repeat(64), at: RECORD.at };
  assert.notEqual(checkpointText({ chain: 'host', ...base }), checkpointText({ chain: 'keeper', ...base }));
});
