import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { VaultError } from '../process/vault-error.ts';
import { createSeal, KEY_BYTES, type Seal, unlockingSeal } from './seal.ts';
import type { SealedTable } from './sealed-table.ts';

export interface Unlocked {
  /** Under the data key: what seals everything in the store. */
  seal: Seal;
  /** Ed25519. */
  signingKey: KeyObject;
  firstStart: boolean;
}

/**
 * Unlocks the store with the key file's bytes, which are zeroed; makes both keys on the first start. The data key is
 * random and only wrapped by the key file's, so a new key file means re-wrapping 32 bytes. Throws `unauthenticated`
 * when the key is of the wrong length or not this store's. Run it in a transaction.
 */
export function unlock(table: SealedTable, keyFile: Buffer): Unlocked {
  if (keyFile.length !== KEY_BYTES) throw wrongKey(`is not ${KEY_BYTES} bytes long`);
  const salt = table.get('salt') ?? randomBytes(16);
  const wrapping = unlockingSeal(keyFile, salt);
  keyFile.fill(0);
  const wrapped = table.get('data-key');
  if (!wrapped) {
    const seal = keepDataKey(randomBytes(KEY_BYTES));
    const { privateKey } = generateKeyPairSync('ed25519');
    const plain = privateKey.export({ type: 'pkcs8', format: 'der' });
    table.put('signing-key', seal.seal(plain, ['signing-key']));
    plain.fill(0);
    return { seal, signingKey: privateKey, firstStart: true };
  }
  const dataKey = wrapping.open(wrapped, ['data-key']);
  if (!dataKey) throw wrongKey('does not unlock this vault');
  const seal = createSeal(dataKey);
  const plain = seal.open(table.get('signing-key') ?? new Uint8Array(), ['signing-key']);
  if (!plain) throw wrongKey('unlocks this vault, but its signing key was changed by something else');
  const signingKey = createPrivateKey({ key: plain, type: 'pkcs8', format: 'der' });
  plain.fill(0);
  return { seal, signingKey, firstStart: false };

  function keepDataKey(fresh: Buffer): Seal {
    table.put('salt', salt);
    table.put('data-key', wrapping.seal(fresh, ['data-key']));
    return createSeal(fresh);
  }
}

function wrongKey(what: string): VaultError {
  return new VaultError({
    code: 'unauthenticated',
    rule: 'vault.key',
    message: `The vault stays locked: the key in data/vault.key ${what}.`,
    remedy:
      'Put back the key file that belongs to data/keeper; without it the credentials are lost: move data/keeper away and add them again.',
  });
}
