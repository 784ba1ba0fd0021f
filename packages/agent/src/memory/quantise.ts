/** A vector as one signed byte a number, scaled to its largest: its direction stays, its length is forgotten. */
export function toBytes(vector: ArrayLike<number>): Uint8Array {
  let most = 0;
  for (let at = 0; at < vector.length; at += 1) most = Math.max(most, Math.abs(vector[at] ?? 0));
  const bytes = new Int8Array(vector.length);
  if (most > 0)
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = Math.round(((vector[at] ?? 0) / most) * 127);
  return new Uint8Array(bytes.buffer);
}

export function fromBytes(bytes: Uint8Array): Int8Array {
  return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Cosine of the angle between two; 0 where one is nothing, or they are of different lengths. */
export function cosine(one: Int8Array, other: Int8Array): number {
  if (one.length !== other.length) return 0;
  let product = 0;
  let ones = 0;
  let others = 0;
  for (let at = 0; at < one.length; at += 1) {
    const a = one[at] ?? 0;
    const b = other[at] ?? 0;
    product += a * b;
    ones += a * a;
    others += b * b;
  }
  return ones === 0 || others === 0 ? 0 : product / Math.sqrt(ones * others);
}
