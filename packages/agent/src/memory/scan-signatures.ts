import { SIGNATURE_WORDS } from './signature.ts';

const PAIRS = 0x55555555;
const NIBBLES = 0x33333333;
const BYTES = 0x0f0f0f0f;
const HALVES = 0x00ff00ff;

/**
 * Writes the number of bits in which each of the signatures in `bits`, 12 words each, differs from `query`. The
 * twelve words are first added bit by bit (carry-save adders, as Harley and Seal count populations), so that five
 * words are counted instead of twelve: 100,000 signatures take about a millisecond.
 */
export function scanSignatures(bits: Uint32Array, query: Uint32Array, distances: Uint16Array): void {
  const [q0 = 0, q1 = 0, q2 = 0, q3 = 0, q4 = 0, q5 = 0, q6 = 0, q7 = 0, q8 = 0, q9 = 0, q10 = 0, q11 = 0] =
    query;
  for (let slot = 0, at = 0; at < bits.length; slot += 1, at += SIGNATURE_WORDS) {
    let a = (bits[at] ?? 0) ^ q0;
    let b = (bits[at + 1] ?? 0) ^ q1;
    let c = (bits[at + 2] ?? 0) ^ q2;
    let either = a ^ b;
    const one1 = either ^ c;
    const two1 = (a & b) | (either & c);
    a = (bits[at + 3] ?? 0) ^ q3;
    b = (bits[at + 4] ?? 0) ^ q4;
    c = (bits[at + 5] ?? 0) ^ q5;
    either = a ^ b;
    const one2 = either ^ c;
    const two2 = (a & b) | (either & c);
    a = (bits[at + 6] ?? 0) ^ q6;
    b = (bits[at + 7] ?? 0) ^ q7;
    c = (bits[at + 8] ?? 0) ^ q8;
    either = a ^ b;
    const one3 = either ^ c;
    const two3 = (a & b) | (either & c);
    a = (bits[at + 9] ?? 0) ^ q9;
    b = (bits[at + 10] ?? 0) ^ q10;
    c = (bits[at + 11] ?? 0) ^ q11;
    either = a ^ b;
    const one4 = either ^ c;
    const two4 = (a & b) | (either & c);
    either = one1 ^ one2;
    const one = either ^ one3;
    const two5 = (one1 & one2) | (either & one3);
    either = two1 ^ two2;
    const two = either ^ two3;
    const four1 = (two1 & two2) | (either & two3);
    either = two ^ two4;
    const twos = either ^ two5;
    const four2 = (two & two4) | (either & two5);
    const sums =
      bytes(nibbles(one) + nibbles(one4)) +
      2 * bytes(nibbles(twos)) +
      4 * bytes(nibbles(four1) + nibbles(four2));
    const halves = (sums & HALVES) + ((sums >>> 8) & HALVES);
    distances[slot] = (halves + (halves >>> 16)) & 0x1ff;
  }
}

/** Bits set in each group of four. */
function nibbles(word: number): number {
  const pairs = word - ((word >>> 1) & PAIRS);
  return (pairs & NIBBLES) + ((pairs >>> 2) & NIBBLES);
}

/** The two groups of each byte added: at most 16, which still fits. */
function bytes(groups: number): number {
  return (groups & BYTES) + ((groups >>> 4) & BYTES);
}
