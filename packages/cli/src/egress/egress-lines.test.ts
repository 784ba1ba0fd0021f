import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRecord } from '@openlegion/contract/audit-record';
import { createEgressLines } from './egress-lines.ts';

const lines = createEgressLines((_, text) => text);

function record(type: string, fields: Partial<AuditRecord>, detail: object): AuditRecord {
  return {
    ...{ seq: 1, at: '2026-11-21T05:00:00.000Z', type, actor: 'researcher', subject: 'api.example.com:443' },
    ...{
      decision: 'none',
      rule: '',
      traceId: 't',
      previousHash: '',
      hash: '',
      detail: JSON.stringify(detail),
    },
    ...fields,
  };
}

test('a request and its end are one line; what was refused says by which rule', () => {
  const allowed = { decision: 'allowed', rule: 'permissions.researcher.allowed_domains' } as const;
  const denied = { decision: 'denied', rule: 'egress.unreachable', subject: 'evil.example:443' } as const;
  const records = [
    record('egress.allowed', allowed, { request: '1', method: 'GET', path: '/v1' }),
    record('egress.refused', denied, { method: 'CONNECT', path: '', unrecorded: 4 }),
    record('credential.injected', allowed, {
      request: '2',
      method: 'GET',
      path: '/',
      credential: 'OPENLEGION_CRED_X',
    }),
    record('egress.ended', {}, { request: '1', httpStatus: 200, bytesUp: 10, bytesDown: 20 }),
  ];
  assert.deepEqual(lines.joined(records), [
    '2026-11-21 05:00:00  researcher  allowed  GET      api.example.com:443/v1  200, 10 B up, 20 B down  [permissions.researcher.allowed_domains]',
    '2026-11-21 05:00:00  researcher  denied   CONNECT  evil.example:443  and 4 more like it  [egress.unreachable]',
    '2026-11-21 05:00:00  researcher  allowed  GET      api.example.com:443/  with OPENLEGION_CRED_X  [permissions.researcher.allowed_domains]',
  ]);
});

test('a path cannot write on the terminal, and a record of another version is still a line', () => {
  const hostile = record(
    'egress.refused',
    { decision: 'denied' },
    { method: 'GET', path: '/\u001b[2J\u202e\n' },
  );
  for (const unsafe of ['\u001b', '\u202e', '\n'])
    assert.equal(lines.single(hostile).includes(unsafe), false);
  assert.match(lines.single({ ...hostile, detail: 'later' }), /denied.*api.example.com:443/);
});
