import type { CatalogModel } from '@openlegion/contract/catalog';

const DATED = /-(?:latest|\d{4}-\d{2}-\d{2}|\d{8})$/;

/**
 * A dated or `-latest` name of a model that is there by its plain name, at the same price and of the same size,
 * becomes an alias of it, as do the names in `known`. One that differs in anything stays a model of its own.
 */
export function collapseAliases(
  models: readonly CatalogModel[],
  known: Readonly<Record<string, readonly string[]>> = {},
): CatalogModel[] {
  const byId = new Map(models.map((model) => [model.id, model]));
  const aliases = new Map<string, string[]>();
  const kept = models.filter((model) => {
    const plain = model.id.replace(DATED, '');
    const base = plain === model.id ? undefined : byId.get(plain);
    if (!base || billing(base) !== billing(model)) return true;
    aliases.set(plain, [...(aliases.get(plain) ?? []), model.id]);
    return false;
  });
  return kept.map((model) => {
    const own = [...(known[model.id] ?? []), ...(aliases.get(model.id) ?? [])].filter(
      (name, index, all) => all.indexOf(name) === index && !kept.some(({ id }) => id === name),
    );
    return own.length === 0 ? model : { ...model, aliases: own.toSorted() };
  });
}

function billing({ price, contextTokens, maxOutputTokens, imageTokens }: CatalogModel): string {
  return JSON.stringify([price, contextTokens, maxOutputTokens, imageTokens]);
}
