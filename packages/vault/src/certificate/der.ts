/** The little of DER (X.690) that certificates need. Everything here makes one complete element. */
export function element(tag: number, ...contents: Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  const hex = body.length.toString(16);
  const length = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  const head = body.length < 128 ? [tag, body.length] : [tag, 0x80 | length.length, ...length];
  return Buffer.concat([Buffer.from(head), body]);
}

export const sequence = (...items: Uint8Array[]): Buffer => element(0x30, ...items);
export const octets = (bytes: Uint8Array): Buffer => element(0x04, bytes);
export const bits = (unused: number, ...bytes: number[]): Buffer =>
  element(0x03, Buffer.from([unused, ...bytes]));
/** Of a number that is positive: its first bit must be clear. */
export const integer = (bytes: Uint8Array): Buffer => element(0x02, bytes);
/** UTCTime: seconds, from 1950 to 2049. */
export const utcTime = (ms: number): Buffer =>
  element(
    0x17,
    Buffer.from(
      new Date(ms)
        .toISOString()
        .replace(/[-:T]|\.\d+/g, '')
        .slice(2),
    ),
  );
