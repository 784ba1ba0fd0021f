import {
  argon2Sync,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;

/** Opens and makes sealed boxes under one key. `context` is bound in: a box opens only under the context it got. */
export interface Seal {
  seal(plain: Buffer, context: readonly unknown[]): Buffer;
  /** Null when the box, its context or the key is not what it was. The caller zeroes what it gets. */
  open(box: Uint8Array, context: readonly unknown[]): Buffer | null;
}

/**
 * AES-256-GCM. Box: one byte of format, 12 of nonce, 16 of tag, the ciphertext. Nonces are random, which holds for
 * 2^32 boxes under one key (NIST SP 800-38D, 8.3); every write of a credential makes one. `context` is JSON.
 */
export function createSeal(bytes: Buffer): Seal {
  // As an object it is made ready for the cipher once, not for every box: 2 µs instead of 12.
  const key = createSecretKey(bytes);
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
      return decrypt(key, nonce, bytes.subarray(1 + NONCE_BYTES, start), bytes.subarray(start), (cipher) =>
        cipher.setAAD(contextBytes(context)),
      );
    },
  };
}

function contextBytes(context: readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify(['openlegion-seal-v1', ...context]));
}

function decrypt(
  key: Buffer | KeyObject,
  nonce: Buffer,
  tag: Buffer,
  sealed: Buffer,
  prepare: (decipher: ReturnType<typeof createDecipheriv> & { setAAD(bytes: Buffer): unknown }) => void,
): Buffer | null {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  prepare(decipher);
  decipher.setAuthTag(tag);
  const plain = decipher.update(sealed);
  try {
    decipher.final();
    return plain;
  } catch {
    // The tag did not match: nothing that was deciphered may be used.
    plain.fill(0);
    return null;
  }
}

/** A key for one purpose out of another (HKDF-SHA256, RFC 5869). */
export function deriveKey(
  key: Buffer | KeyObject,
  salt: Uint8Array,
  purpose: string,
  bytes = KEY_BYTES,
): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, purpose, bytes));
}

/** RFC 9106, second recommended option: 64 MiB, three passes, four lanes; about 0.2 s. */
const ARGON2 = { parallelism: 4, tagLength: KEY_BYTES, memory: 65_536, passes: 3 };
const SALT_BYTES = 16;

/** A seal under a passphrase. Its salt goes with what it seals. */
export function passphraseSeal(passphrase: string, salt: Uint8Array): Seal {
  return createSeal(argon2Sync('argon2id', { ...ARGON2, message: passphrase, nonce: salt }));
}

/** The salt, then a box under the passphrase. */
export function sealUnderPassphrase(plain: Buffer, passphrase: string, context: readonly unknown[]): Buffer {
  const salt = randomBytes(SALT_BYTES);
  return Buffer.concat([salt, passphraseSeal(passphrase, salt).seal(plain, context)]);
}

/** Null for another passphrase, and for bytes that are not what was sealed. */
export function openUnderPassphrase(
  bytes: Buffer,
  passphrase: string,
  context: readonly unknown[],
): Buffer | null {
  const salt = bytes.subarray(0, SALT_BYTES);
  if (salt.length < SALT_BYTES) return null;
  return passphraseSeal(passphrase, salt).open(bytes.subarray(SALT_BYTES), context);
}

/** DER in front of the 32 raw bytes of an X25519 key (RFC 8410): public, and private as PKCS #8. */
export const X25519_SPKI = Buffer.from('302a300506032b656e032100', 'hex');
export const X25519_PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

/**
 * Opens what was sealed to an X25519 public key as the contract's `CaptureSecret` describes: ephemeral public key,
 * nonce, ciphertext, tag. Null for everything else.
 */
export function openCaptured(bytes: Buffer, privateKey: KeyObject): Buffer | null {
  if (bytes.length < 32 + NONCE_BYTES + TAG_BYTES) return null;
  const theirs = bytes.subarray(0, 32);
  const ours = createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).subarray(-32);
  let shared: Buffer;
  try {
    const key = Buffer.concat([X25519_SPKI, theirs]);
    shared = diffieHellman({
      privateKey,
      publicKey: createPublicKey({ key, type: 'spki', format: 'der' }),
    });
  } catch {
    // A point of small order gives no shared secret; OpenSSL refuses it.
    return null;
  }
  const key = deriveKey(shared, Buffer.concat([theirs, ours]), 'openlegion-capture-v1');
  const nonce = bytes.subarray(32, 32 + NONCE_BYTES);
  const sealed = bytes.subarray(32 + NONCE_BYTES, -TAG_BYTES);
  return decrypt(key, nonce, bytes.subarray(-TAG_BYTES), sealed, () => {});
}

/** SPKI, PEM. */
export function publicPemOf(privateKey: KeyObject): string {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
}
