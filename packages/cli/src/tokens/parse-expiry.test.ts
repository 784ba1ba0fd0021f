import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExpiry } from './parse-expiry.ts';

const NOW = Date.UTC(2026, 10, 21, 12);

test('spans, dates and times are read; what is past, endless or something else is refused', () => {
  assert.equal(parseExpiry('8h', NOW), '2026-11-21T20:00:00.000Z');
  assert.equal(parseExpiry('30d', NOW), '2026-12-21T12:00:00.000Z');
  assert.equal(parseExpiry('2026-11-21', NOW), '2026-11-21T23:59:59.999Z');
  assert.equal(parseExpiry('2027-01-31T18:00:00+01:00', NOW), '2027-01-31T17:00:00.000Z');
  for (const text of ['', '0d', '30', '-1d', '2026-11-20', '2026-13-41', '99999d', 'never', '1e3d', ' 8h'])
    assert.throws(() => parseExpiry(text, NOW), { code: 'bad_request' }, text);
});
