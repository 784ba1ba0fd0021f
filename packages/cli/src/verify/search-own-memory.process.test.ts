import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { searchOwnMemory } from './search-own-memory.ts';

test('a string in the memory of this process is found, one that is not there is not, a bare prefix does not count', () => {
  const [present, absent] = [`A${randomBytes(8).toString('hex')}`, `B${randomBytes(8).toString('hex')}`];
  const planted = Buffer.from(`${present}${'x7'.repeat(8)}`);
  const bare = Buffer.from(`${absent} and no more`);
  const results = searchOwnMemory([present, absent]);
  if (process.platform !== 'linux') return assert.equal(results, null);
  assert.ok((results?.get(present)?.found ?? 0) >= 1);
  assert.ok((results?.get(present)?.bytes ?? 0) > 1_000_000);
  assert.equal(results?.get(absent)?.found, 0);
  assert.ok(planted.length + bare.length > 0);
});
