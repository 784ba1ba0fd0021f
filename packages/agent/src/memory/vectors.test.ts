import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openDatabase } from '../history/open-database.ts';
import { embedLocally } from './embed-locally.ts';
import { cosine, fromBytes, toBytes } from './quantise.ts';
import { scanSignatures } from './scan-signatures.ts';
import { SIGNATURE_WORDS, signatureOf } from './signature.ts';
import { openVectorSpace } from './vector-space.ts';

/** Numbers that only look random, so that a failure comes back. */
function vector(seed: number, length: number): number[] {
  let state = seed * 2654435761 + 1;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

test('the scan counts the bits that differ', () => {
  const signature = fc.uint32Array({ minLength: SIGNATURE_WORDS, maxLength: SIGNATURE_WORDS });
  fc.assert(
    fc.property(signature, fc.array(signature, { maxLength: 5 }), (query, others) => {
      const distances = new Uint16Array(others.length);
      scanSignatures(Uint32Array.from(others.flatMap((other) => [...other])), query, distances);
      const counted = others.map((other) =>
        other.reduce((sum, word, at) => sum + ones((word ^ (query[at] ?? 0)) >>> 0), 0),
      );
      assert.deepEqual([...distances], counted);
    }),
  );
  const all = new Uint32Array(SIGNATURE_WORDS).fill(0xffffffff);
  const distances = new Uint16Array(1);
  scanSignatures(all, new Uint32Array(SIGNATURE_WORDS), distances);
  assert.equal(distances[0], 384);
});

function ones(word: number): number {
  return word.toString(2).replaceAll('0', '').length;
}

test('signatures differ in about the angle of their vectors', () => {
  for (const length of [100, 512, 1536]) {
    for (const mixed of [0, 0.5, 0.9]) {
      const one = vector(1, length);
      const other = vector(2, length).map((value, at) => value * (1 - mixed) + (one[at] ?? 0) * mixed);
      const distances = new Uint16Array(1);
      scanSignatures(signatureOf(one), signatureOf(other), distances);
      const angle = Math.acos(cosine(fromBytes(toBytes(one)), fromBytes(toBytes(other)))) / Math.PI;
      assert.ok(Math.abs((distances[0] ?? 0) / 384 - angle) < 0.1, `${length} ${mixed}`);
    }
  }
});

test('finds what a comparison with every vector finds', () => {
  const space = openVectorSpace(openDatabase(':memory:'), 'test');
  const vectors = Array.from({ length: 1200 }, (_, at) => vector(at, 64));
  for (const [fact, one] of vectors.entries()) space.put(fact, one);
  let found = 0;
  for (let at = 0; at < 50; at += 1) {
    const wanted = (vectors[at * 20] ?? []).map(
      (value, place) => value + (vector(9000 + at, 64)[place] ?? 0) * 0.6,
    );
    const query = fromBytes(toBytes(wanted));
    const exact = vectors
      .map((one, fact) => ({ fact, similarity: cosine(query, fromBytes(toBytes(one))) }))
      .sort((a, b) => b.similarity - a.similarity);
    const near = space.nearest(wanted, 100);
    if (near[0]?.fact === exact[0]?.fact) found += 1;
    assert.equal(near.length, 100);
  }
  assert.ok(found >= 48, `${found} of 50`);
});

test('what was removed is not found, what is loaded again is the same, and a place is used again', () => {
  const database = openDatabase(':memory:');
  const space = openVectorSpace(database, 'test');
  for (const fact of [0, 3, 700]) space.put(fact, vector(fact, 64));
  assert.equal(space.nearest(vector(3, 64), 10)[0]?.fact, 3);
  space.remove(3);
  const facts = () => space.nearest(vector(3, 64), 10).map(({ fact }) => fact);
  assert.deepEqual(facts().sort(), [0, 700]);
  space.release();
  assert.deepEqual(facts().sort(), [0, 700]);
  space.put(3, vector(3, 64));
  assert.deepEqual(facts()[0], 3);
  assert.deepEqual(openVectorSpace(database, 'other').nearest(vector(3, 64), 10), []);
  assert.deepEqual(
    space.nearest(vector(3, 64), 10, new Set([700, 5, 99_999])).map(({ fact }) => fact),
    [700],
  );
});

test('vectors of nothing and of other lengths are near to nothing', () => {
  const space = openVectorSpace(openDatabase(':memory:'), 'test');
  space.put(0, [0, 0, 0, 0]);
  space.put(1, vector(1, 8));
  assert.deepEqual(
    space.nearest(vector(1, 16), 10).map(({ similarity }) => similarity),
    [0, 0],
  );
});

test('a misspelt text is nearer to the right one than to others', () => {
  const near = (one: string, other: string) =>
    cosine(fromBytes(toBytes(embedLocally(one))), fromBytes(toBytes(embedLocally(other))));
  const typo = 'confidentialty agrement with Umbrela';
  assert.ok(near(typo, 'confidentiality agreement with Umbrella') > 0.4);
  assert.ok(near(typo, 'the cactus is watered once a month') < 0.2);
});
