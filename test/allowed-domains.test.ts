import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { reachesHost } from '../packages/host/src/permissions/reaches-host.ts';
import { reaches } from '../packages/vault/src/process/match-request.ts';

test('property: what the host says of allowed_domains is what the keeper decides', () => {
  const host = fc.constantFrom('a.b', 'b', 'x.a.b', 'xa.b', '10.0.0.1', '::1', 'A.B', 'a.b.', '');
  const port = fc.constantFrom(80, 443, 8443, 1);
  const entry = fc.oneof(
    fc
      .tuple(fc.constantFrom('', '*.', '*'), host, fc.constantFrom('', ':8443', ':443', ':', ':0', ':x'))
      .map((parts) => parts.join('')),
    fc.constantFrom('[::1]', '[::1]:8443', '*.0.0.1', '*', '**'),
    fc.string({ maxLength: 12 }),
  );
  fc.assert(
    fc.property(entry, host, port, (pattern, name, at) => {
      assert.equal(reachesHost(pattern, name, at), reaches(pattern, name, at));
    }),
    { numRuns: 2000 },
  );
});
