import { createECDH, createPrivateKey, type KeyObject } from 'node:crypto';

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The P-256 key of 48 random bytes: taken modulo the group's order less one, and one added (FIPS 186-5, A.2.1). */
export function p256KeyOf(bytes: Buffer): KeyObject {
  const scalar = (BigInt(`0x${bytes.toString('hex')}`) % (ORDER - 1n)) + 1n;
  const pair = createECDH('prime256v1');
  pair.setPrivateKey(Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex'));
  const point = pair.getPublicKey();
  const part = (from: number, to: number): string => point.subarray(from, to).toString('base64url');
  const d = scalar.toString(16).padStart(64, '0');
  return createPrivateKey({
    key: {
      kty: 'EC',
      crv: 'P-256',
      d: Buffer.from(d, 'hex').toString('base64url'),
      x: part(1, 33),
      y: part(33, 65),
    },
    format: 'jwk',
  });
}
