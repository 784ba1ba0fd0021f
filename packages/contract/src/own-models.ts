import type { CatalogModel } from './catalog.ts';
import type { OwnModelConfig } from './mesh-config.ts';

/**
 * The models of a provider as mesh.yaml has them, and after them those of the catalog that it says nothing of. A name
 * that the operator prices on its own is taken from the aliases of the model that it belonged to: each name has one
 * price, however it is spelled.
 */
export function ownModels(
  own: Readonly<Record<string, OwnModelConfig>>,
  known: readonly CatalogModel[],
): CatalogModel[] {
  const named = new Set(Object.keys(own).map((name) => name.toLowerCase()));
  const kept = known.flatMap(({ aliases, ...model }): CatalogModel[] => {
    if (named.has(model.id.toLowerCase())) return [];
    const others = aliases?.filter((alias) => !named.has(alias.toLowerCase())) ?? [];
    return [others.length === 0 ? model : { ...model, aliases: others }];
  });
  const changed = Object.entries(own).map(([id, entry]) => {
    const base = known.find((model) => model.id.toLowerCase() === id.toLowerCase());
    return ownModel(id, entry, base, named);
  });
  return [...changed, ...kept];
}

/** Limits and price are the operator's; other names and abilities stay those that are known of the model. */
function ownModel(
  id: string,
  own: OwnModelConfig,
  known: CatalogModel | undefined,
  named: ReadonlySet<string>,
): CatalogModel {
  const imageTokens = own.image_tokens ?? known?.imageTokens;
  const aliases = [...(own.aliases ?? known?.aliases ?? [])].filter(
    (alias) => !named.has(alias.toLowerCase()),
  );
  return {
    id,
    contextTokens: own.context_tokens,
    maxOutputTokens: own.max_output_tokens,
    price: priceOf(own),
    ...(imageTokens === undefined ? {} : { imageTokens }),
    ...(aliases.length === 0 ? {} : { aliases }),
    ...(known?.capabilities === undefined ? {} : { capabilities: known.capabilities }),
  };
}

function priceOf(own: OwnModelConfig): CatalogModel['price'] {
  const audioInput = own.audio_input_usd_per_million;
  const audioOutput = own.audio_output_usd_per_million;
  return {
    ...classesOf(own),
    ...(audioInput === undefined ? {} : { audioInput }),
    ...(audioOutput === undefined ? {} : { audioOutput }),
    ...(own.tiers.length === 0
      ? {}
      : {
          tiers: own.tiers.map((tier) => ({ aboveInputTokens: tier.above_input_tokens, ...classesOf(tier) })),
        }),
  };
}

function classesOf(own: Omit<OwnModelConfig['tiers'][number], 'above_input_tokens'>) {
  const cacheRead = own.cache_read_usd_per_million;
  const cacheWrite = own.cache_write_usd_per_million;
  return {
    input: own.input_usd_per_million,
    output: own.output_usd_per_million,
    ...(cacheRead === undefined ? {} : { cacheRead }),
    ...(cacheWrite === undefined ? {} : { cacheWrite }),
  };
}
