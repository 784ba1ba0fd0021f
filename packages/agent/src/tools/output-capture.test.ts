import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { temporaryDirectory } from '../testing/turn-rig.ts';
import { createOutputCapture } from './output-capture.ts';

test('whatever the pieces, what is shown is bounded and the file holds the whole', () => {
  using directory = temporaryDirectory();
  let run = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('a', 'é', '😀', 'line\n'), fc.integer({ min: 1, max: 6000 })), {
        maxLength: 12,
      }),
      (pieces) => {
        const file = `${directory.path}/${run++}/out.txt`;
        const capture = createOutputCapture(file);
        const whole = Buffer.from(pieces.map(([unit, count]) => unit.repeat(count)).join(''));
        // Cut where it falls: in the middle of characters too.
        for (let at = 0; at < whole.length; at += 4097) capture.add(whole.subarray(at, at + 4097));
        const shown = capture.finish();
        const text = whole.toString();
        if (text.length <= 29_500) {
          assert.equal(shown, text);
          assert.ok(!existsSync(file));
        } else {
          assert.ok(shown.length < 29_800);
          assert.ok(shown.startsWith(text.slice(0, 19_999)) && shown.endsWith(text.slice(-9_499)));
          assert.ok(readFileSync(file).equals(whole));
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('a file that cannot be written costs the file alone', () => {
  using directory = temporaryDirectory();
  const capture = createOutputCapture(`${directory.path}/no\0pe/out.txt`);
  capture.add(Buffer.from('x'.repeat(40_000)));
  assert.match(capture.finish(), /10500 characters left out; it could not be kept/);
});
