/** Signatures are 384 bits, in 12 words of 32. */
export const SIGNATURE_WORDS = 12;
const BITS = SIGNATURE_WORDS * 32;

/**
 * The signs of 384 random projections of a vector (Charikar 2002): the share of bits in which two signatures differ
 * is about the angle between their vectors over π. The projection is a Walsh–Hadamard transform of the vector with
 * random signs (Ailon and Chazelle 2009), so vectors of any length up to 65,536 are spread evenly.
 */
export function signatureOf(vector: ArrayLike<number>): Uint32Array {
  const mixed = mix(vector);
  const signature = new Uint32Array(SIGNATURE_WORDS);
  for (let bit = 0; bit < BITS; bit += 1) {
    if ((mixed[bit] ?? 0) > 0) signature[bit >>> 5] = ((signature[bit >>> 5] ?? 0) | (1 << (bit & 31))) >>> 0;
  }
  // All zero stands for a place without a vector.
  if (signature.every((word) => word === 0)) signature[0] = 1;
  return signature;
}

function mix(vector: ArrayLike<number>): Float32Array {
  let size = 512;
  while (size < vector.length) size *= 2;
  const mixed = new Float32Array(size);
  // xorshift32: the same signs in every process.
  let state = 0x9e3779b9;
  for (let at = 0; at < vector.length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    mixed[at] = state < 0 ? -(vector[at] ?? 0) : (vector[at] ?? 0);
  }
  for (let half = 1; half < size; half *= 2) {
    for (let block = 0; block < size; block += half * 2) {
      for (let at = block; at < block + half; at += 1) {
        const low = mixed[at] ?? 0;
        const high = mixed[at + half] ?? 0;
        mixed[at] = low + high;
        mixed[at + half] = low - high;
      }
    }
  }
  return mixed;
}
