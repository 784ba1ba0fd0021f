import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createScrubber, isSearchable, scrubText, secretForms } from './scrub.ts';

const secrets = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 8,
  maxLength: 60,
});

/** Every form that is looked for, made another way than the code makes it. */
const DISGUISES: ((secret: string) => string)[] = [
  (secret) => secret,
  (secret) => encodeURIComponent(secret),
  (secret) => JSON.stringify({ authorization: `Bearer ${secret}` }),
  (secret) => Buffer.from(secret).toString('hex'),
  (secret) => Buffer.from(secret).toString('base64'),
  (secret) => Buffer.from(`x${secret}y`).toString('base64'),
  (secret) => Buffer.from(`xy${secret}zz`).toString('base64'),
  (secret) => Buffer.from(`user:${secret}`).toString('base64url'),
];

function scrub(text: string, secret: string, cuts: number[]): string {
  const scrubber = createScrubber(secretForms(secret));
  const bytes = Buffer.from(text);
  const out: Buffer[] = [];
  let start = 0;
  for (const cut of [...cuts.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    out.push(scrubber.push(bytes.subarray(start, cut)));
    start = cut;
  }
  out.push(scrubber.end());
  return Buffer.concat(out).toString('utf8');
}

test('no form of the secret passes, wherever the stream is cut', () => {
  fc.assert(
    fc.property(
      secrets,
      fc.constantFrom(...DISGUISES),
      fc.string({ maxLength: 20 }),
      fc.string({ maxLength: 20 }),
      fc.array(fc.nat(500), { maxLength: 8 }),
      (secret, disguise, before, after, cuts) => {
        const shown = scrub(before + disguise(secret) + after, secret, cuts);
        for (const form of secretForms(secret))
          assert.ok(!shown.includes(form.toString()), `${form} in ${shown}`);
      },
    ),
  );
});

test('everything else passes unchanged, wherever the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(fc.nat(500), { maxLength: 8 }),
      (text, cuts) => {
        const clean = Buffer.from(text).toString('utf8');
        assert.equal(scrub(clean, 'sk-0123456789-THE-KEY', cuts), clean);
      },
    ),
  );
});

test('an event that does not end like the beginning of the secret is not held back', () => {
  const scrubber = createScrubber(secretForms('sk-0123456789'));
  assert.equal(scrubber.push(Buffer.from('data: {"a":1}\n\n')).length, 15);
  assert.equal(scrubber.push(Buffer.from('data: sk-01')).toString(), 'data: ');
  assert.equal(scrubber.push(Buffer.from('!')).toString(), 'sk-01!');
});

test('what providers leave of a key when they quote it goes too', () => {
  const secret = 'sk-proj-AbCdEfGhIjKlMnOpWXYZ';
  for (const quoted of ['sk-pr**********WXYZ', 'sk-proj-AbCd...WXYZ', 'sk-proj-AbCdEf', '****WXYZ', secret])
    assert.doesNotMatch(scrubText(`Incorrect API key: ${quoted}.`, secret), /WXYZ|sk-proj-/);
  assert.equal(scrubText('max_tokens is too large', secret), 'max_tokens is too large');
});

test('with a told length every match keeps it', () => {
  const secret = 'sk-0123456789/"x';
  const text = `a ${secret} b ${Buffer.from(secret).toString('hex')} c`;
  const scrubber = createScrubber(secretForms(secret), 'same length');
  const shown = Buffer.concat([scrubber.push(Buffer.from(text)), scrubber.end()]).toString();
  assert.equal(shown, `a ${'*'.repeat(16)} b ${'*'.repeat(32)} c`);
});

test('a secret that would make searching dear, or could not be told from text, is none to search for', () => {
  const token = Array.from({ length: 400 }, (_, n) => ((n * 7919 + 13) % 100_003).toString(36)).join('');
  for (const secret of ['12345678', 'sk-proj-AbCdEfGh', 'a'.repeat(60), token])
    assert.ok(isSearchable(secret), secret);
  const refused = [
    '1234567',
    'a b c d e f',
    'ab\n12345678',
    'x'.repeat(5000),
    'a'.repeat(100),
    'ab'.repeat(60),
    token + token,
  ];
  for (const secret of refused) assert.ok(!isSearchable(secret), secret);
});
