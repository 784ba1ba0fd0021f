import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { oneLine, safeText } from './safe-text.ts';

test('what moves the cursor, hides or reorders text is gone; what people write stays', () => {
  assert.equal(safeText('a\u001b[2J\u001b]0;owned\u0007b\u009b31m'), 'a[2J]0;ownedb31m');
  assert.equal(safeText('\u202etxt.exe\u2066\u{e0041}\u00ad\ufeff'), 'txt.exe');
  assert.equal(safeText('one\r\ntwo\rthree\tfour\n'), 'one\ntwo\nthree\tfour\n');
  assert.equal(safeText('Grüße 川瀬 👩\u200d💻 नमस्ते'), 'Grüße 川瀬 👩\u200d💻 नमस्ते');
});

test('whatever comes in, no control character but tab and newline comes out, and one line is one line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      assert.doesNotMatch(safeText(text), /(?![\t\n])\p{Cc}/u);
      const line = oneLine(text, 20);
      assert.ok([...line].length <= 20 && !line.includes('\n'));
    }),
  );
});
