import type { CatalogProvider } from '@openlegion/contract/catalog';
import { refuse } from './refuse.ts';

/**
 * The one header that carries the key. A key with anything but visible ASCII could end the header and begin another;
 * one of fewer than eight characters could not be told from ordinary text when answers are scrubbed of it.
 */
export function credentialHeader(provider: CatalogProvider, secret: string | null): Record<string, string> {
  if (!provider.auth) return {};
  if (secret === null || !/^[\x21-\x7e]{8,4096}$/.test(secret))
    throw refuse(
      'denied',
      'vault.credential',
      `The key of the provider ${provider.id} cannot be sent: it must be 8 to 4096 visible ASCII characters.`,
      `Store it again: ./openlegion vault add ${provider.auth.credential}.`,
    );
  return { [provider.auth.header]: provider.auth.scheme === 'bearer' ? `Bearer ${secret}` : secret };
}
