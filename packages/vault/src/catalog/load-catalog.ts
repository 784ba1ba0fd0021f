import { readFileSync } from 'node:fs';
import type { CatalogProvider } from '@openlegion/contract/catalog';
import { parseProviderList } from '../gateway/provider/parse-provider.ts';
import { strictObject } from '../process/strict-parser.ts';

/** The provider that this installation runs itself; its script's names are its models. */
const SCRIPTED = 'scripted';

const parseFile = strictObject<{ sources: unknown; providers: unknown }>({
  sources: (value) => value,
  providers: (value) => value,
});

/**
 * The providers of `catalog.json`, facts only (the file names their sources), held to the same rules as those of an
 * operator. `scripted` is dialled on its socket.
 */
export function loadCatalog(scriptedSocket: string): CatalogProvider[] {
  const { providers } = parseFile(
    JSON.parse(readFileSync(new URL('./catalog.json', import.meta.url), 'utf8')),
    'catalog.json',
  );
  return parseProviderList({ providers }).map((provider) =>
    provider.id === SCRIPTED ? { ...provider, socketPath: scriptedSocket } : provider,
  );
}
