import type { CatalogModel, CatalogProvider } from '@openlegion/contract/catalog';
import { quote, refuse } from '../process/refuse.ts';
import { MODEL_ID } from './model-id.ts';

/** Every provider and model that a call can reach: the catalog, and over it what the operator added or changed. */
export interface Providers {
  /**
   * Throws `not_found` for one that is neither in the catalog nor in the operator's configuration, and for one whose
   * address is the operator's own and is not configured.
   */
  provider(id: string): CatalogProvider;
  all(): CatalogProvider[];
  /**
   * Replaces what the operator added or changed; a provider of the catalog that is not among them is as it was. One that
   * this installation runs stays on its socket unless it was given another address.
   */
  replaceOwn(providers: readonly CatalogProvider[]): void;
}

export function createProviders(catalog: readonly CatalogProvider[]): Providers {
  const merged = new Map<string, CatalogProvider>();
  const providers: Providers = {
    provider(id) {
      const found = merged.get(id);
      if (found && found.baseUrl !== '') return found;
      if (found)
        throw refuse(
          'not_found',
          'llm.provider.address',
          `The address of ${found.name} is each customer's own, and yours is not configured.`,
          `Set llm.providers.${found.id}.base_url in config/mesh.yaml.`,
        );
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
      for (const provider of catalog) merged.set(provider.id, provider);
      for (const provider of own) {
        const base = merged.get(provider.id);
        const isOurs = base?.socketPath !== undefined && base.baseUrl === provider.baseUrl;
        merged.set(provider.id, isOurs ? { ...provider, socketPath: base.socketPath } : provider);
      }
    },
  };
  providers.replaceOwn([]);
  return providers;
}

/**
 * The one entry, and so the one price, that a name resolves to: by the id, an alias, either in other letters' case, or
 * by `*`. Its `id` is the name to send, as the provider spells it: a dated name stays the dated one. Suffixes count:
 * `gpt-x:free` is another model, and without an entry it is refused. Throws `not_found`.
 */
export function resolveModel({ id, models }: CatalogProvider, name: string): CatalogModel {
  const found = models.find((model) => model.id === name) ?? findSpelled(models, name);
  if (found && found.id !== '*') return found;
  const any = models.find((model) => model.id === '*');
  if (any && MODEL_ID.test(name)) return { ...any, id: name };
  const price = MODEL_ID.test(name)
    ? `If you know it: ./openlegion models price ${id}/${name} --input 0.40 --output 1.60 (US dollars a million tokens). `
    : '';
  throw refuse(
    'not_found',
    'llm.model',
    `The provider ${id} has no model ${quote(name)} with a known price, so it is not called.`,
    `${price}./openlegion models list --provider ${id} shows those that have one.`,
  );
}

function findSpelled(models: readonly CatalogModel[], name: string): CatalogModel | null {
  const folded = name.toLowerCase();
  for (const model of models) {
    const spelled = [model.id, ...(model.aliases ?? [])].find((known) => known.toLowerCase() === folded);
    if (spelled !== undefined) return { ...model, id: spelled };
  }
  return null;
}
