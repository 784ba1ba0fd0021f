import type { CatalogProvider } from '@openlegion/contract/catalog';
import { findModel } from '@openlegion/contract/find-model';
import { ModelName } from '@openlegion/contract/model-name';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';
import { formatTiers } from '../models/format-price.ts';
import { knownModels, readMeshConfig } from '../models/known-models.ts';
import { healthOf, modelTable, providerTable } from '../models/model-table.ts';

export interface ModelsListOptions {
  provider?: string;
  search?: string;
  available: boolean;
  json: boolean;
}

const Credentials = z.object({ credentials: z.array(z.object({ name: z.string() })) });

/** Providers; models where a filter says which. */
export async function modelsList(context: CommandContext, options: ModelsListOptions): Promise<number> {
  const { terminal, home } = context;
  const known = await knownModels(context);
  let providers = known.providers;
  if (options.provider !== undefined) {
    providers = providers.filter(({ id }) => id === options.provider);
    if (providers.length === 0) throw unknownProvider(options.provider);
  }
  if (options.available) {
    const request = { method: 'GET', path: '/api/credentials' } as const;
    const { credentials } = await createControlClient(home).json(Credentials, request);
    const stored = new Set(credentials.map(({ name }) => name));
    providers = providers.filter(
      ({ auth, baseUrl }) => baseUrl !== '' && (!auth || stored.has(auth.credential)),
    );
  }
  if (options.search !== undefined) providers = matching(providers, options.search);
  if (options.json) {
    terminal.line(JSON.stringify({ running: known.running, providers, health: known.health }, null, 2));
    return 0;
  }
  const filtered = options.provider !== undefined || options.search !== undefined || options.available;
  if (!filtered) {
    terminal.line(providerTable(providers));
    terminal.line();
    terminal.line(
      `${providers.length} providers. ./openlegion models list --provider ID, or --search TEXT, shows models and prices.`,
    );
  } else if (providers.every(({ models }) => models.length === 0)) {
    terminal.line(
      'No model with a known price. ./openlegion models refresh --provider ID looks for prices; ./openlegion models price gives one.',
    );
  } else terminal.line(modelTable(providers, known.running ? known.health : null));
  return 0;
}

function matching(providers: readonly CatalogProvider[], search: string): CatalogProvider[] {
  const wanted = search.toLowerCase();
  return providers.flatMap((provider) => {
    const models = provider.models.filter(({ id, aliases = [] }) =>
      [id, ...aliases].some((name) => `${provider.id}/${name}`.toLowerCase().includes(wanted)),
    );
    return models.length === 0 ? [] : [{ ...provider, models }];
  });
}

export async function modelsShow(
  context: CommandContext,
  name: string,
  options: { json: boolean },
): Promise<number> {
  const { terminal, home } = context;
  const known = await knownModels(context);
  if (!ModelName.safeParse(name).success) throw notAModel(name);
  const provider = known.providers.find(({ id }) => id === name.slice(0, name.indexOf('/')));
  if (!provider) throw unknownProvider(name.slice(0, name.indexOf('/')));
  // One whose address is missing is shown all the same, with what is missing.
  const lookup = findModel(name, [{ ...provider, baseUrl: provider.baseUrl || 'unset:' }]);
  if (!lookup.ok) throw withoutPrice(name);
  const { model, observedAs } = lookup.found;
  const health = known.health.find((entry) => entry.model === observedAs);
  if (options.json) {
    const { models: _models, ...rest } = provider;
    terminal.line(JSON.stringify({ provider: rest, model, health: health ?? null }, null, 2));
    return 0;
  }
  const own = Object.keys(readMeshConfig(home)?.llm.providers[provider.id]?.models ?? {});
  const isOwn = own.some((id) => id.toLowerCase() === model.id.toLowerCase());
  const [price = '', ...tiers] = formatTiers(model.price);
  const rows: [string, string][] = [
    ['model', observedAs],
    ['also called', (model.aliases ?? []).join(', ')],
    ['provider', `${provider.name}, ${provider.dialect}`],
    [
      'address',
      provider.baseUrl || `your own: set llm.providers.${provider.id}.base_url in config/mesh.yaml`,
    ],
    ['key', provider.auth ? `${provider.auth.credential} (./openlegion vault add ${provider.id})` : 'none'],
    ['context', `${model.contextTokens} tokens`],
    ['output', `at most ${model.maxOutputTokens} tokens`],
    ['image', model.imageTokens ? `reserved at ${model.imageTokens} tokens each` : 'takes none'],
    ['can', (model.capabilities ?? []).join(', ')],
    ['price', `$/M tokens: ${price}${isOwn ? ' (yours, in config/mesh.yaml)' : ''}`],
    ...tiers.map((tier): [string, string] => ['', tier]),
    ['health', known.running ? healthOf(health) : 'known while the fleet runs'],
  ];
  for (const [label, value] of rows) if (value !== '') terminal.line(`${label.padEnd(12)} ${value}`);
  return 0;
}

function unknownProvider(id: string): OpenLegionError {
  return new OpenLegionError({
    code: 'not_found',
    rule: 'cli.models.provider',
    message: `There is no model provider ${JSON.stringify(id.slice(0, 63))}.`,
    remedy:
      './openlegion models list shows those there are; others can be added under llm.providers in config/mesh.yaml.',
  });
}

function notAModel(name: string): OpenLegionError {
  return new OpenLegionError({
    code: 'bad_request',
    rule: 'cli.models.name',
    message: `${JSON.stringify(name.slice(0, 200))} is not the name of a model.`,
    remedy: 'Names are provider/model, for example openai/gpt-4.1-mini.',
  });
}

function withoutPrice(name: string): OpenLegionError {
  return new OpenLegionError({
    code: 'not_found',
    rule: 'cli.models.price',
    message: `What ${name} costs is not known, so it is not called.`,
    remedy: `Look for another spelling with ./openlegion models list --search TEXT, or give its price: ./openlegion models price ${name} --input 0.40 --output 1.60`,
  });
}
