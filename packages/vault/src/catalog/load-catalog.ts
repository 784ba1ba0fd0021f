import { readFileSync } from 'node:fs';
import type { CatalogProvider } from '@openlegion/contract/catalog';

/** The provider that this installation runs itself; its script's names are its models. */
const SCRIPTED = 'scripted';

/**
 * The providers of `catalog.json`, facts only (the file names their sources). `scripted` is dialled on its socket. The
 * file is part of the program as its code is: a test holds it to the parser and to the contract, so that a start does
 * not pay for that again (60 ms and 8 MB).
 */
export function loadCatalog(scriptedSocket: string): CatalogProvider[] {
  const file: { providers: CatalogProvider[] } = JSON.parse(
    readFileSync(new URL('./catalog.json', import.meta.url), 'utf8'),
  );
  return file.providers.map((provider) =>
    provider.id === SCRIPTED ? { ...provider, socketPath: scriptedSocket } : provider,
  );
}
