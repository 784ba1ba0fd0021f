import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { indexWords } from './search-words.ts';
import { tokenise } from './tokenise.ts';

const words = (text: string) => tokenise(text).map((token) => token.text);

test('words in one spelling, whatever their width, case and optional marks', () => {
  assert.deepEqual(words('Ｃafé CAFE\u0301 Ünïque'), ['cafe', 'cafe', 'unique']);
  assert.deepEqual(words('Invoices, policies; bus status'), ['invoice', 'policy', 'bus', 'status']);
  assert.deepEqual(words('v2.3.1 S3'), ['v2', '3', '1', 's3']);
});

test('dense scripts: each character and each pair', () => {
  assert.deepEqual(words('会議室'), ['会', '会議', '議', '議室', '室']);
  assert.deepEqual(words('S3に猫'), ['s3', 'に', 'に猫', '猫']);
  assert.deepEqual(words('회의'), ['회', '회의', '의']);
  assert.ok(words('กินเนื้อ').length > 3);
});

test('marks that are part of a letter stay', () => {
  assert.deepEqual(words('बैठक'), ['बैठक']);
  assert.deepEqual(words('が'), ['が']);
});

test('what is indexed holds nothing that FTS5 takes for more than words', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      assert.match(indexWords(text), /^(?:[\p{L}\p{N}\p{M}\u00a6]+(?: [\p{L}\p{N}\p{M}\u00a6]+)*)?$/u);
    }),
  );
});
