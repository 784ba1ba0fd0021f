/** The little of DER (X.690) that certificates need. Everything here makes one complete element. */

export function element(tag: number, ...contents: Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  const hex = body.length.toString(16);
  const length = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  const head = body.length < 128 ? [tag, body.length] : [tag, 0x80 | length.length, ...length];
  return Buffer.concat([Buffer.from(head), body]);
}

export const sequence = (...items: Uint8Array[]): Buffer => element(0x30, ...items);
export const set = (...items: Uint8Array[]): Buffer => element(0x31, ...items);
export const octets = (bytes: Uint8Array): Buffer => element(0x04, bytes);
export const utf8 = (text: string): Buffer => element(0x0c, Buffer.from(text));
export const TRUE: Buffer = element(0x01, Buffer.from([0xff]));

/** `[n]`, constructed. */
export const tagged = (n: number, ...items: Uint8Array[]): Buffer => element(0xa0 | n, ...items);
/** `[n]` IMPLICIT of a string type. */
export const named = (n: number, bytes: Uint8Array): Buffer => element(0x80 | n, bytes);

/** Never negative: a zero goes before a first bit that is set. */
export const integer = (bytes: Uint8Array): Buffer =>
  element(0x02, Buffer.from((bytes[0] ?? 0) & 0x80 ? [0] : []), bytes);

export const bits = (bytes: Uint8Array, unused = 0): Buffer => element(0x03, Buffer.from([unused]), bytes);

/** Of the few identifiers used here no arc but the first two is joined, and none needs more than four bytes. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const base128 = rest.flatMap((arc) => {
    const bytes = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) bytes.unshift(0x80 | (left & 0x7f));
    return bytes;
  });
  return element(0x06, Buffer.from([first * 40 + second, ...base128]));
}

/** UTCTime: seconds, from 1950 to 2049. */
export const utcTime = (ms: number): Buffer =>
  element(
    0x17,
    Buffer.from(
      `${new Date(ms)
        .toISOString()
        .replace(/[-:T]|\.\d+/g, '')
        .slice(2)}`,
    ),
  );
