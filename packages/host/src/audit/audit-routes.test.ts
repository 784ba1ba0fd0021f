import assert from 'node:assert/strict';
import { verify } from 'node:crypto';
import { test } from 'node:test';
import { AuditExported, AuditExportLine } from '@openlegion/contract/audit-export';
import { checkpointText } from '@openlegion/contract/audit-record';
import { startFixture } from '../test/host-fixture.ts';

const RANGE = { from: '2020-01-01T00:00:00.000Z', to: '2100-01-01T00:00:00.000Z' };

test('an export ends with its own record, which the keeper has signed', async () => {
  await using fixture = await startFixture({});
  const before = (await fixture.audit()).length;
  const { text } = await fixture.ask('POST', '/api/audit/export', RANGE);
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => AuditExportLine.parse(JSON.parse(line)));
  assert.equal(lines.filter(({ kind }) => kind === 'record').length, before);
  const manifest = lines.at(-1);
  assert.ok(manifest?.kind === 'manifest');
  const { checkpoint, records } = manifest;
  assert.equal(records[0]?.actor, 'operator');
  assert.equal(AuditExported.parse(JSON.parse(records[0]?.detail ?? '')).hostLast, before);
  assert.equal(checkpoint.hash, records.at(-1)?.hash);
  const signature = Buffer.from(checkpoint.signature, 'base64');
  assert.ok(verify(null, Buffer.from(checkpointText(checkpoint)), fixture.vault.publicKeyPem, signature));
});

test('an export that ends before it begins, or has no times, is refused and not recorded', async () => {
  await using fixture = await startFixture({});
  const before = (await fixture.audit()).length;
  for (const body of [{ from: RANGE.to, to: RANGE.from }, { from: RANGE.from }, { ...RANGE, to: 'now' }])
    assert.equal((await fixture.ask('POST', '/api/audit/export', body)).status, 400);
  assert.equal((await fixture.audit()).length, before);
});
