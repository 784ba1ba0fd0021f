import { tokenise } from './tokenise.ts';

/** A name that changes with anything below: vectors made another way do not compare. */
export const LOCAL_SPACE = 'local/1';
export const LOCAL_DIMENSIONS = 512;

const WORD_WEIGHT = 1;
const PIECE_WEIGHT = 0.5;
/** Short words are mostly grammar. */
const SHORT_WORD_WEIGHT = 0.4;

/**
 * A vector of a text without any model: its words and the pieces of its words, hashed (Weinberger et al. 2009,
 * feature hashing; pieces as in Bojanowski et al. 2017, subword n-grams). Texts that share words or have them in
 * another spelling are near; what only means the same is not. The same text gets the same vector everywhere.
 */
export function embedLocally(text: string): Float32Array {
  const vector = new Float32Array(LOCAL_DIMENSIONS);
  for (const { text: word, dense } of tokenise(text)) {
    if (dense) {
      add(vector, word, word.length > 1 ? WORD_WEIGHT : SHORT_WORD_WEIGHT);
      continue;
    }
    add(vector, word, word.length > 3 ? WORD_WEIGHT : SHORT_WORD_WEIGHT);
    const framed = `^${word}$`;
    const weight = word.length > 3 ? PIECE_WEIGHT : PIECE_WEIGHT * SHORT_WORD_WEIGHT;
    for (let size = 3; size <= 4; size += 1) {
      for (let at = 0; at + size <= framed.length; at += 1) {
        add(vector, framed.slice(at, at + size), weight);
      }
    }
  }
  return vector;
}

function add(vector: Float32Array, feature: string, weight: number): void {
  const hash = hashOf(feature);
  const at = hash % LOCAL_DIMENSIONS;
  vector[at] = (vector[at] ?? 0) + (hash >>> 31 === 0 ? weight : -weight);
}

/** FNV-1a over UTF-16 units, with the finish of MurmurHash3, whose high bits are as good as its low ones. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
