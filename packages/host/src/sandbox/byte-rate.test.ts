import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createByteRateLimit } from './byte-rate.ts';

describe('the rate of bytes', () => {
  test('lets a burst through, then the rate, and no more', () => {
    let now = 0;
    const take = createByteRateLimit({ bytesPerSecond: 1000, burstBytes: 5000 }, () => now);
    assert.ok(take(5000));
    assert.ok(!take(1));
    now = 1001;
    assert.ok(take(1000));
    assert.ok(!take(10));
  });

  test('over any time, never more than the burst and the rate times the time', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(500), fc.nat(3000))), (steps) => {
        let now = 0;
        let total = 0;
        const take = createByteRateLimit({ bytesPerSecond: 1000, burstBytes: 2000 }, () => now);
        for (const [passed, bytes] of steps) {
          now += passed;
          total += bytes;
          if (!take(bytes)) return;
          assert.ok(total <= 2000 + now + 1);
        }
      }),
    );
  });

  test('a clock that goes back gives nothing', () => {
    let now = 1000;
    const take = createByteRateLimit({ bytesPerSecond: 1000, burstBytes: 10 }, () => now);
    assert.ok(take(10));
    now = 0;
    assert.ok(!take(1));
  });
});
