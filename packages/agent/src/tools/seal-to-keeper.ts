import {
  createCipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

/** Base64 of `value` sealed as the contract's `CaptureSecret` says: only the keeper, whose X25519 key it is, reads it. */
export function sealToKeeper(value: string, publicKeyPem: string): string {
  const theirs = createPublicKey(publicKeyPem);
  const mine = generateKeyPairSync('x25519');
  const salt = Buffer.concat([raw(mine.publicKey), raw(theirs)]);
  const shared = diffieHellman({ privateKey: mine.privateKey, publicKey: theirs });
  const key = Buffer.from(hkdfSync('sha256', shared, salt, 'openlegion-capture-v1', 32));
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = Buffer.concat([cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return Buffer.concat([raw(mine.publicKey), nonce, sealed]).toString('base64');
}

/** The 32 bytes behind the fixed head of the key's DER (RFC 8410). */
function raw(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' }).subarray(-32);
}
