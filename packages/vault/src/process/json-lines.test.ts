import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createJsonLineReader } from './json-lines.ts';

test('values come out as they went in, however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue(), { maxLength: 5 }),
      fc.array(fc.nat(40), { maxLength: 10 }),
      (values, cuts) => {
        const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
        const reader = createJsonLineReader(100_000);
        const read: unknown[] = [];
        let start = 0;
        for (const cut of [...cuts, bytes.length]) {
          read.push(...reader.push(bytes.subarray(start, start + cut)));
          start += cut;
        }
        assert.deepEqual(read, JSON.parse(JSON.stringify(values)));
      },
    ),
  );
});

test('a line at the bound is read, one byte more is refused before its end is seen', () => {
  const line = Buffer.from(`"${'x'.repeat(8)}"\n`);
  assert.deepEqual([...createJsonLineReader(10).push(line)], ['xxxxxxxx']);
  assert.throws(() => [...createJsonLineReader(9).push(line.subarray(0, 10))], { code: 'too_large' });
});

test('a line that is not JSON or not UTF-8 is refused without a word of it', () => {
  for (const bytes of [Buffer.from('sk-secret\n'), Buffer.from('\n'), Buffer.from('22ff220a', 'hex')]) {
    assert.throws(
      () => [...createJsonLineReader(100).push(bytes)],
      (error: Error & { code?: string }) =>
        error.code === 'bad_request' && !`${error.message}${String(error.cause)}`.includes('sk-'),
    );
  }
});
