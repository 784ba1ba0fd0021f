import type { CatalogModel, CatalogProvider } from '@openlegion/contract/catalog';
import { MODEL_ID } from '../dialect/dialect.ts';
import { quote, refuse } from '../refuse.ts';

/** Every provider and model that a call can reach: the catalog, and over it what the operator added or changed. */
export interface Providers {
  /** Throws `not_found` for one that is neither in the catalog nor in the operator's configuration. */
  provider(id: string): CatalogProvider;
  all(): CatalogProvider[];
  /** Replaces what the operator added or changed; a provider of the catalog that is not among them is as it was. */
  replaceOwn(providers: readonly CatalogProvider[]): void;
}

export function createProviders(catalog: readonly CatalogProvider[]): Providers {
  const merged = new Map<string, CatalogProvider>();
  const providers: Providers = {
    provider(id) {
      const found = merged.get(id);
      if (found) return found;
      throw refuse(
        'not_found',
        'llm.provider',
        `There is no model provider ${quote(id)}.`,
        'Add it under llm.providers in config/mesh.yaml, with its base_url, dialect and models.',
      );
    },
    all: () => [...merged.values()],
    replaceOwn(own) {
      merged.clear();
      for (const provider of [...catalog, ...own]) merged.set(provider.id, provider);
    },
  };
  providers.replaceOwn([]);
  return providers;
}

/**
 * The one entry, and so the one price, that a name resolves to: the id, an alias, or `*`. Letters' case and further
 * suffixes count: `gpt-x:free` is another model, and without an entry it is refused. Throws `not_found`.
 */
export function resolveModel(provider: CatalogProvider, name: string): CatalogModel {
  const exact = provider.models.find((model) => model.id === name || model.aliases?.includes(name));
  if (exact && exact.id !== '*') return exact;
  const any = provider.models.find((model) => model.id === '*');
  if (any && MODEL_ID.test(name)) return { ...any, id: name };
  throw refuse(
    'not_found',
    'llm.model',
    `The provider ${provider.id} has no model ${quote(name)} with a known price.`,
    `Use a model of the catalog, or give it a price under llm.providers.${provider.id}.models in config/mesh.yaml.`,
  );
}
