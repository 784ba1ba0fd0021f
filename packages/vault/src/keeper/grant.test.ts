import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMicroUsd as contractFormat } from '@openlegion/contract/money';
import fc from 'fast-check';
import { formatMicroUsd } from '../process/format-micro-usd.ts';
import { grantOutput, worstCaseMicroUsd } from './grant.ts';

const amount = fc.oneof(fc.nat(1000), fc.maxSafeNat());

test('a grant never costs more than the room, and one token more would', () => {
  fc.assert(
    fc.property(amount, amount, amount, amount, fc.maxSafeInteger(), (input, wanted, min, price, room) => {
      const bounds = {
        inputMicroUsd: input,
        outputTokens: wanted,
        minOutputTokens: min,
        outputMicroUsdPerMillion: price,
      };
      const grant = grantOutput(bounds, room);
      if (grant) {
        assert.ok(
          grant.microUsd <= room &&
            grant.outputTokens <= wanted &&
            grant.outputTokens >= Math.min(min, wanted),
        );
        assert.equal(BigInt(grant.microUsd), worstCaseMicroUsd(bounds, grant.outputTokens));
        if (grant.outputTokens < wanted)
          assert.ok(worstCaseMicroUsd(bounds, grant.outputTokens + 1) > BigInt(room));
      } else {
        assert.ok(worstCaseMicroUsd(bounds, Math.min(min, wanted)) > BigInt(room));
      }
    }),
    { numRuns: 2000 },
  );
});

test('a fraction of a micro-dollar is rounded up, once per call', () => {
  const bounds = { inputMicroUsd: 0, outputTokens: 1, minOutputTokens: 1, outputMicroUsdPerMillion: 1 };
  assert.equal(worstCaseMicroUsd(bounds, 1), 1n);
  assert.equal(worstCaseMicroUsd(bounds, 1_000_000), 1n);
  assert.equal(worstCaseMicroUsd(bounds, 1_000_001), 2n);
});

test('amounts are written as the contract writes them', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (microUsd) =>
      assert.equal(formatMicroUsd(microUsd), contractFormat(microUsd)),
    ),
  );
});
