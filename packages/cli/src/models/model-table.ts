import type { CatalogModel, CatalogProvider } from '@openlegion/contract/catalog';
import type { ModelsView } from '@openlegion/contract/control-api';
import { oneLine } from '../terminal/safe-text.ts';
import { formatTable } from '../terminal/table.ts';
import { usdPerMillion } from './format-price.ts';

/** One row for each provider. */
export function providerTable(providers: readonly CatalogProvider[]): string {
  return formatTable([
    ['PROVIDER', 'NAME', 'MODELS', 'DIALECT', 'KEY', 'ADDRESS'],
    ...providers.map(({ id, name, models, dialect, auth, environment, baseUrl }) => [
      id,
      oneLine(name, 32),
      models.some((model) => model.id === '*') ? 'any' : String(models.length),
      dialect,
      auth ? (environment?.[0] ?? auth.credential) : 'none',
      baseUrl === '' ? 'your own: llm.providers.base_url' : oneLine(baseUrl, 60),
    ]),
  ]);
}

/** One row for each model; the column of health only where the gateway was asked. Prices in US dollars per million. */
export function modelTable(
  providers: readonly CatalogProvider[],
  health: ModelsView['health'] | null,
): string {
  const observed = new Map(health?.map((entry) => [entry.model, entry]));
  const rows = providers.flatMap((provider) =>
    withObserved(provider, [...observed.keys()]).map((model) => {
      const name = `${provider.id}/${model.id}`;
      const limits = [String(model.contextTokens), String(model.maxOutputTokens)];
      const can = model.capabilities?.join(' ') || '-';
      return [name, ...limits, ...prices(model), can, ...(health ? [healthOf(observed.get(name))] : [])];
    }),
  );
  const head = ['MODEL', 'CONTEXT', 'OUTPUT', '$/M IN', '$/M OUT', '$/M CACHED', 'CAN'];
  return formatTable([[...head, ...(health ? ['HEALTH'] : [])], ...rows]);
}

/** Where any name is a model, those that were called are shown by theirs. */
function withObserved({ id, models }: CatalogProvider, names: readonly string[]): CatalogModel[] {
  return models.flatMap((model) => {
    if (model.id !== '*') return [model];
    const called = names.filter((name) => name.startsWith(`${id}/`)).map((name) => name.slice(id.length + 1));
    const further = called.filter((name) => !models.some((known) => known.id === name));
    return [model, ...further.map((name) => ({ ...model, id: name }))];
  });
}

export function healthOf(entry: ModelsView['health'][number] | undefined): string {
  if (!entry) return 'not called yet';
  if (entry.ok) return 'ok';
  const status = entry.lastStatus === 0 ? 'no answer' : `status ${entry.lastStatus}`;
  return entry.coolingUntil ? `${status}, cools down until ${entry.coolingUntil}` : status;
}

/** A mark where a longer prompt has another price. */
function prices({ price }: CatalogModel): string[] {
  const more = price.tiers ? '+' : '';
  return [
    `${usdPerMillion(price.input)}${more}`,
    `${usdPerMillion(price.output)}${more}`,
    usdPerMillion(price.cacheRead),
  ];
}
