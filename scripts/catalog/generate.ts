/**
 * Makes packages/vault/src/catalog/catalog.json anew: `node scripts/catalog/generate.ts`. Fetches the packages of
 * sources.ts into a directory of its own, reads facts from them, and writes the file; look at the difference before
 * committing it, prices are money. It needs npm, pip and their registries.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CatalogProvider } from '@openlegion/contract/catalog';
import { buildProvider } from './build-provider.ts';
import { fetchSource } from './fetch-source.ts';
import { formatCatalog } from './format-catalog.ts';
import { LOCAL_SERVERS } from './local-servers.ts';
import { LEFT_OUT, PLANS } from './provider-plans.ts';
import { readGenaiPrices } from './read-genai-prices.ts';
import { readModelsDev } from './read-models-dev.ts';
import { readPiAi } from './read-pi-ai.ts';
import { readRegistry } from './read-registry.ts';
import { SOURCES } from './sources.ts';

/** Of prices with a date, those in force on this day are taken. */
const AS_OF = '2026-11-21';
const TARGET = resolve(import.meta.dirname, '../../packages/vault/src/catalog/catalog.json');

const directory = mkdtempSync(join(tmpdir(), 'openlegion-catalog-'));
try {
  const registered = readRegistry(fetchSource(SOURCES.mastraCore, directory));
  const piAi = readPiAi(fetchSource(SOURCES.piAi, directory));
  const genaiPrice = await readGenaiPrices(fetchSource(SOURCES.genaiPrices, directory), AS_OF);
  const modelsDev = readModelsDev(fetchSource(SOURCES.modelsDev, directory));
  const planned = new Set(Object.values(PLANS).flatMap((plan) => plan.registry ?? []));
  const others = [...registered.keys()].filter(
    (id) => !planned.has(id) && !(id in PLANS) && !(id in LEFT_OUT),
  );
  const built = [...Object.entries(PLANS), ...others.map((id) => [id, {}] as const)].map(([id, plan]) =>
    buildProvider(id, plan, { piAi, genaiPrice, modelsDev, registry: registered }),
  );
  const first = Object.keys(PLANS);
  const providers = [...built, ...LOCAL_SERVERS].toSorted(
    (a, b) => rank(first, a.id) - rank(first, b.id) || (a.id < b.id ? -1 : 1),
  );
  for (const provider of providers) CatalogProvider.parse(provider);
  const sources = Object.values(SOURCES).map(
    ({ registry, name, version, gives }) => `${name} ${version} (${registry}): ${gives}`,
  );
  writeFileSync(TARGET, formatCatalog([...sources, `prices as of ${AS_OF}`], providers));
  const priced = providers.filter(({ models }) => models.length > 0);
  const models = providers.reduce((sum, provider) => sum + provider.models.length, 0);
  console.log(`${providers.length} providers, ${priced.length} of them with prices, ${models} models`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function rank(order: readonly string[], id: string): number {
  const at = order.indexOf(id);
  return at === -1 ? order.length : at;
}
