import { readFileSync } from 'node:fs';
import type { CatalogProvider } from '@openlegion/contract/catalog';
import { parseProviderList } from '../gateway/provider/parse-provider.ts';

/** The provider that this installation runs itself; its script's names are its models. */
const SCRIPTED = 'scripted';

/**
 * The providers of `catalog.json`, facts only, held to the same rules as those of an operator. Prices are those of
 * the dearest tier where a provider has several (long prompts, hours of the day). `scripted` is dialled on its
 * socket.
 */
export function loadCatalog(scriptedSocket: string): CatalogProvider[] {
  const text = readFileSync(new URL('./catalog.json', import.meta.url), 'utf8');
  return parseProviderList(JSON.parse(text)).map((provider) =>
    provider.id === SCRIPTED ? { ...provider, socketPath: scriptedSocket } : provider,
  );
}
