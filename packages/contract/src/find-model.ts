import type { CatalogModel, CatalogProvider } from './catalog.ts';
import { splitModelName } from './model-name.ts';

export interface FoundModel {
  provider: CatalogProvider;
  model: CatalogModel;
  /** The name under which the gateway calls it, and notes its health. */
  observedAs: string;
}

export type ModelAbsence = 'provider' | 'address' | 'price';

/**
 * What `provider/model` stands for, found as the gateway finds it: by id, by alias, either in other letters' case, or
 * by the `*` of a local server. Otherwise what is missing: the provider, its address, or the model's price.
 */
export function findModel(
  name: string,
  providers: readonly CatalogProvider[],
): { ok: true; found: FoundModel } | { ok: false; missing: ModelAbsence } {
  const { provider: id, model: wanted } = splitModelName(name);
  const provider = providers.find((entry) => entry.id === id);
  if (!provider) return { ok: false, missing: 'provider' };
  if (provider.baseUrl === '' && provider.socketPath === undefined) return { ok: false, missing: 'address' };
  const named = findNamed(provider.models, wanted);
  const model = named?.model ?? provider.models.find((entry) => entry.id === '*');
  if (!model) return { ok: false, missing: 'price' };
  return { ok: true, found: { provider, model, observedAs: `${id}/${named?.spelled ?? wanted}` } };
}

function findNamed(
  models: readonly CatalogModel[],
  wanted: string,
): { model: CatalogModel; spelled: string } | null {
  const exact = models.find((model) => model.id === wanted);
  if (exact) return exact.id === '*' ? null : { model: exact, spelled: wanted };
  const folded = wanted.toLowerCase();
  for (const model of models) {
    if (model.id.toLowerCase() === folded) return { model, spelled: model.id };
    const alias = model.aliases?.find((known) => known.toLowerCase() === folded);
    if (alias !== undefined) return { model, spelled: alias };
  }
  return null;
}
