import { randomInt } from 'node:crypto';
import { type AuditChain, fact } from './audit-chain.ts';
import type { CredentialStore } from './credential-store.ts';
import type { Transaction } from './transaction.ts';

/** Credentials of the keeper's own invention, which `verify` plants and then searches for wherever none may be. */
export interface Canaries {
  /** Replaces those there are; returns the new names, never a value. */
  make(request: { prefix: string; count: number; origins: readonly string[] }): string[];
  removeAll(): number;
  /** True for names that only canaries bear, so that removing them removes nobody's key. */
  owns(name: string): boolean;
}

const NAME = 'OPENLEGION_SYSTEM_VERIFY_CANARY_';
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export function createCanaries(
  credentials: CredentialStore,
  audit: AuditChain,
  transaction: Transaction,
): Canaries {
  /**
   * Kept in the clear on purpose, unlike any real credential: a search that finds nothing elsewhere proves something
   * only if the same search finds them in this process. They open no door.
   */
  let inMemory: Buffer[] = [];

  function removeAll(): number {
    inMemory = [];
    const names = credentials.canaryNames();
    for (const name of names) {
      credentials.remove(name);
      audit.append(fact('credential.removed', 'operator', name, {}));
    }
    return names.length;
  }

  return {
    make: ({ prefix, count, origins }) =>
      transaction(() => {
        removeAll();
        return Array.from({ length: count }, (_, index) => {
          const name = `${NAME}${index + 1}`;
          const value =
            prefix + Array.from({ length: 32 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
          inMemory.push(Buffer.from(value));
          const version = credentials.put({ name, value, origins, canary: true });
          audit.append(fact('credential.stored', 'operator', name, { version, origins }));
          return name;
        });
      }),
    removeAll: () => transaction(removeAll),
    owns: (name) => name.startsWith(NAME),
  };
}
