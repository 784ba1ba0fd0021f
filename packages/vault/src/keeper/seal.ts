import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;

/** Opens and makes sealed boxes under one key. `context` is bound in: a box opens only under the context it got. */
export interface Seal {
  seal(plain: Buffer, context: readonly (string | number)[]): Buffer;
  /** Null when the box, its context or the key is not what it was. The caller zeroes what it gets. */
  open(box: Uint8Array, context: readonly (string | number)[]): Buffer | null;
}

/**
 * AES-256-GCM. Box: one byte of format, 12 of nonce, 16 of tag, the ciphertext. Nonces are random, which holds for
 * 2^32 boxes under one key (NIST SP 800-38D, 8.3); every write of a credential makes one.
 */
export function createSeal(key: Buffer): Seal {
  return {
    seal(plain, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(contextBytes(context));
      const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([Buffer.from([FORMAT]), nonce, cipher.getAuthTag(), sealed]);
    },
    open(box, context) {
      const bytes = Buffer.from(box.buffer, box.byteOffset, box.byteLength);
      const start = 1 + NONCE_BYTES + TAG_BYTES;
      if (bytes.length < start || bytes[0] !== FORMAT) return null;
      const nonce = bytes.subarray(1, 1 + NONCE_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(contextBytes(context));
      decipher.setAuthTag(bytes.subarray(1 + NONCE_BYTES, start));
      const plain = decipher.update(bytes.subarray(start));
      try {
        decipher.final();
        return plain;
      } catch {
        // The tag did not match: nothing that was deciphered may be used.
        plain.fill(0);
        return null;
      }
    },
  };
}

/** The key that wraps the data key, from the key file's bytes (HKDF-SHA256, RFC 5869). */
export function unlockingSeal(keyFile: Buffer, salt: Uint8Array): Seal {
  return createSeal(Buffer.from(hkdfSync('sha256', keyFile, salt, 'openlegion vault unlock v1', KEY_BYTES)));
}

function contextBytes(context: readonly (string | number)[]): Buffer {
  return Buffer.from(JSON.stringify(['openlegion-seal-v1', ...context]));
}
