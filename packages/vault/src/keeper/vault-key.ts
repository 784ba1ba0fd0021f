import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import type { Database } from '../process/database.ts';
import { wrongKey } from '../process/keeper-refusals.ts';
import { p256KeyOf } from '../process/p256-key.ts';
import { createSeal, deriveKey, KEY_BYTES, type Seal, X25519_PKCS8 } from '../process/sealed-box.ts';

/** The unlocked store: one random data key, which seals everything, and from which other keys are derived. */
export interface Vault {
  seal: Seal;
  /** Ed25519: signs both audit chains. */
  signingKey: KeyObject;
  /** X25519: agents seal to it what they capture. */
  captureKey: KeyObject;
  /** Makes placeholders: they mean nothing to whoever does not have it. */
  placeholderKey: Buffer;
  firstStart: boolean;
  /** P-256: the one agent's own certificate authority; the same at every asking and nowhere stored. */
  authorityKey(agent: string): KeyObject;
  /** Single sealed values of the keeper's own, by name. Null for none, and for one changed by something else. */
  read(name: string): Buffer | null;
  write(name: string, plain: Buffer): void;
  has(name: string): boolean;
  /**
   * Wraps the data key in another; what was wrapped by the one before is overwritten. Whoever asks keeps the new key
   * beside the old before, and puts it in its place after: between the two only the new one opens.
   */
  rotateKey(newKey: Buffer): void;
}

/**
 * Unlocks the store with the key file's bytes, which are zeroed; makes its keys on the first start. Throws
 * `unauthenticated` when the key is of the wrong length or not this store's. Run it in a transaction.
 */
export function unlock(database: Database, keyFile: Buffer): Vault {
  const boxOf = (name: string): Uint8Array | null => {
    const box = database.get('SELECT box FROM sealed WHERE name = ?', name)?.box;
    return box instanceof Uint8Array ? box : null;
  };
  const keep = (name: string, box: Uint8Array): void => {
    database.run('INSERT OR REPLACE INTO sealed (name, box) VALUES (?, ?)', name, box);
  };
  const wrapping = (key: Buffer, salt: Uint8Array): Seal =>
    createSeal(deriveKey(key, salt, 'openlegion vault unlock v1'));

  if (keyFile.length !== KEY_BYTES) throw wrongKey(`is not ${KEY_BYTES} bytes long`);
  const wrapped = boxOf('data-key');
  const opened = wrapped && wrapping(keyFile, boxOf('salt') ?? Buffer.alloc(0)).open(wrapped, ['data-key']);
  if (wrapped && !opened) throw wrongKey('does not unlock this vault');
  const dataKey = opened ?? randomBytes(KEY_BYTES);
  const seal = createSeal(dataKey);
  const derived = (purpose: string, bytes?: number): Buffer =>
    deriveKey(dataKey, Buffer.alloc(0), `openlegion ${purpose} v1`, bytes);

  function rotateKey(newKey: Buffer): void {
    const salt = randomBytes(16);
    keep('salt', salt);
    keep('data-key', wrapping(newKey, salt).seal(dataKey, ['data-key']));
    newKey.fill(0);
  }

  const write = (name: string, plain: Buffer): void => keep(name, seal.seal(plain, [name]));
  if (!opened) {
    rotateKey(keyFile);
    const { privateKey } = generateKeyPairSync('ed25519');
    write('signing-key', privateKey.export({ type: 'pkcs8', format: 'der' }));
  }
  keyFile.fill(0);
  const read = (name: string): Buffer | null => seal.open(boxOf(name) ?? Buffer.alloc(0), [name]);
  const signing = read('signing-key');
  if (!signing) throw wrongKey('unlocks this vault, but its signing key was changed by something else');
  const x25519 = Buffer.concat([X25519_PKCS8, derived('capture key')]);
  return {
    ...{ seal, read, write, rotateKey, has: (name) => boxOf(name) !== null },
    signingKey: createPrivateKey({ key: signing, type: 'pkcs8', format: 'der' }),
    captureKey: createPrivateKey({ key: x25519, type: 'pkcs8', format: 'der' }),
    placeholderKey: derived('placeholders'),
    firstStart: !opened,
    authorityKey: (agent) => p256KeyOf(derived(`authority of ${agent}`, 48)),
  };
}
