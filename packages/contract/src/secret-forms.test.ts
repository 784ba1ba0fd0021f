import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createSecretSearch } from './secret-forms.ts';

const PREFIX = 'CANARY0123abcdef';
const alphanumeric = fc.string({
  unit: fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'),
  minLength: 16,
  maxLength: 32,
});
const search = createSecretSearch(PREFIX);
const percent = (text: string) => [...text].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('');

test('a secret is found in every form, wherever it stands', () => {
  const forms: [string, (secret: string, before: Buffer) => Buffer][] = [
    ['raw', (secret, before) => Buffer.concat([before, Buffer.from(secret)])],
    ['reversed', (secret, before) => Buffer.concat([before, Buffer.from(secret).reverse()])],
    ['hex', (secret) => Buffer.from(Buffer.from(secret).toString('hex'))],
    ['hex', (secret) => Buffer.from(Buffer.from(secret).toString('hex').toUpperCase())],
    ['percent-encoded', (secret) => Buffer.from(percent(secret))],
    ['percent-encoded', (secret) => Buffer.from(percent(secret).toUpperCase())],
    ['utf-16', (secret, before) => Buffer.concat([before, Buffer.from(secret, 'utf16le')])],
    ['utf-16', (secret) => Buffer.from(secret, 'utf16le').swap16()],
    [
      'base64',
      (secret, before) => Buffer.from(Buffer.concat([before, Buffer.from(secret)]).toString('base64')),
    ],
    [
      'base64',
      (secret, before) => Buffer.from(Buffer.concat([before, Buffer.from(secret)]).toString('base64url')),
    ],
  ];
  for (const [form, encode] of forms) {
    fc.assert(
      fc.property(alphanumeric, fc.uint8Array({ maxLength: 7 }), (tail, before) => {
        const hits = search(encode(PREFIX + tail, Buffer.from(before)));
        assert.ok(
          hits.some((hit) => hit.form === form),
          `${form} was not found`,
        );
      }),
      { numRuns: 60 },
    );
  }
});

test('what the search itself holds is not found', () => {
  const held = JSON.stringify({ prefix: PREFIX, after: 'abcdefghijklmnopqrstuvwxyz0123456789' });
  const short = `${PREFIX}${'a'.repeat(15)}!`;
  for (const text of [
    held,
    short,
    held.toUpperCase(),
    Buffer.from(PREFIX).toString('hex'),
    percent(PREFIX),
  ]) {
    assert.deepEqual(search(Buffer.from(text)), []);
  }
  for (const before of ['', 'a', 'ab']) {
    assert.deepEqual(search(Buffer.from(Buffer.from(before + PREFIX).toString('base64'))), []);
  }
});
