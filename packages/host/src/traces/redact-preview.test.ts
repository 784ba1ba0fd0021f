import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSecretSearch } from '@openlegion/contract/secret-forms';
import fc from 'fast-check';
import { redact, redactPreview } from './redact-preview.ts';

const alphanumeric = fc.constantFrom(
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'.split(''),
);

test('property: a canary of the vault shows in none of its forms, wherever it stands', () => {
  const prefix = 'CANARY7f3a9c21b8e4';
  const search = createSecretSearch(prefix);
  const tail = fc.array(alphanumeric, { minLength: 32, maxLength: 32 }).map((all) => all.join(''));
  const words = fc.constantFrom(
    '',
    'the key is ',
    '{"a":"',
    'https://x.example/?q=',
    'path/',
    'Bearer ',
    'é',
  );
  const percent = (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join('');
  fc.assert(
    fc.property(tail, words, words, (random, before, after) => {
      const secret = prefix + random;
      for (const form of [
        secret,
        [...secret].reverse().join(''),
        Buffer.from(secret).toString('hex'),
        Buffer.from(secret).toString('base64'),
        Buffer.from(`x${secret}`).toString('base64url'),
        percent(secret),
        percent(secret).toUpperCase(),
        Buffer.from(secret, 'utf16le').toString('latin1'),
      ]) {
        const shown = redactPreview(before + form + after, 500);
        assert.deepEqual(search(Buffer.from(shown)), [], shown);
        assert.ok(!shown.includes(random.slice(0, 12)), shown);
      }
    }),
    { numRuns: 200 },
  );
});

test('keys, passwords and headers are hidden; words, paths, figures and our identifiers stay', () => {
  const hidden = [
    'sk-proj-abcdefghijklmnop',
    'Authorization: Bearer abcdefgh',
    '{"password": "hunter22"}',
    'OPENAI_API_KEY=abcd1234efgh',
    'postgres://user:pass@db/x',
    '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig',
    '6f1d2c3b-1a2b-4c3d-8e9f-0a1b2c3d4e5f',
    'AKIAIOSFODNN7EXAMPLE',
    'ghp_abcdefghijklmnopqrst sk_live_abcdefghijkl xoxb-abcdefghijklm',
  ];
  for (const text of hidden) {
    const shown = redactPreview(text, 200);
    assert.match(shown, /\[redacted\]/, text);
    for (const secret of [
      'abcdefgh',
      'hunter22',
      'abcd1234',
      'user:pass',
      'MIIE',
      'IkpX',
      'IOSF',
      '8e9f',
      'ijkl',
    ])
      assert.ok(!shown.includes(secret), shown);
  }
  for (const text of [
    'wc -l /data/workspace/prospects-2026-11-21-final.csv',
    'msg_0mhabcdef0123456789abcdef',
    'https://api.example.com/v1/companies?limit=10',
    'Wrote 12 lines to outreach-emails.csv in 3.5 s',
    'internationalization_of_everything',
    'skateboarding-competition npm-run-something-long sketch.of.the.system',
  ])
    assert.equal(redactPreview(text, 200), text);
});

test('what is long is cut, also in the middle of a token, and costs no more than its bound', () => {
  assert.equal([...redactPreview('x '.repeat(100_000), 50)].length, 50);
  const cut = `${'word '.repeat(1600)}s3cr3tT`;
  assert.ok(!redactPreview(cut, 10_000).includes('s3cr3tT'));
});

test('a long text made to be read over and over is read once', () => {
  for (const part of [
    'a',
    'token',
    'eyJ-',
    '://a:',
    ':a',
    'basic ',
    '-----BEGIN A',
    '-----BEGIN A-----',
    '%41',
    'sk-',
    'a1-',
    '\\u00',
    '="',
  ])
    for (const lead of ['', '://', 'token', '-----BEGIN ', 'eyJ'])
      assert.equal(typeof redact(lead + part.repeat(300_000 / part.length)), 'string');
});
