import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createStderrTail } from './stderr-tail.ts';

describe('the tail of standard error', () => {
  test('is the end of what was written, whatever the pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (pieces) => {
        const tail = createStderrTail(256);
        const ascii = pieces.map((piece) => Buffer.from(piece.map((byte) => 32 + (byte % 90))));
        for (const piece of ascii) tail.write(piece);
        assert.equal(tail.text(), Buffer.concat(ascii).subarray(-256).toString());
      }),
    );
  });

  test('does not keep the buffer that a chunk is a part of', () => {
    const whole = Buffer.from('kept and more');
    const tail = createStderrTail(64);
    tail.write(whole.subarray(0, 4));
    whole.fill(0);
    assert.equal(tail.text(), 'kept');
  });
});
