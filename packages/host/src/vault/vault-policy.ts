import type { CatalogProvider } from '@openlegion/contract/catalog';
import type { Policy } from '@openlegion/contract/keeper-protocol';
import type { FleetConfig } from '../config/fleet-config.ts';
import { matchesPattern } from '../router/match-pattern.ts';

/** What the keeper must know to decide on its own: who may call which models, within which limits. */
export function policyOf(config: FleetConfig): Policy {
  const { budget } = config.mesh;
  return {
    timeZone: budget.timezone,
    fleet: { dailyMicroUsd: budget.daily_usd, monthlyMicroUsd: budget.monthly_usd },
    agents: [...config.agents.values()].map((agent) => ({
      name: agent.name,
      team: agent.team ?? null,
      dailyMicroUsd: agent.budget.daily_usd,
      monthlyMicroUsd: agent.budget.monthly_usd,
      apis: apisOf(agent.permissions.allowed_apis),
      models: [...agent.models],
    })),
  };
}

/** The keeper knows no patterns: they are resolved here, over the interfaces that exist. */
function apisOf(patterns: readonly string[]): string[] {
  const plain = patterns.filter((pattern) => !pattern.includes('*'));
  const covered = ['llm'].filter((api) => patterns.some((pattern) => matchesPattern(pattern, api)));
  return [...new Set([...plain, ...covered])];
}

const AUTH = {
  bearer: { header: 'authorization', scheme: 'bearer' },
  'x-api-key': { header: 'x-api-key', scheme: 'raw' },
  'x-goog-api-key': { header: 'x-goog-api-key', scheme: 'raw' },
  'api-key': { header: 'api-key', scheme: 'raw' },
} as const;

/**
 * The providers of mesh.yaml as the gateway takes them: `known` is its catalog, from which what the operator left
 * out is taken. A provider that is in neither needs an address and a dialect; those without are named in `missing`.
 */
export function providersOf(
  config: FleetConfig,
  known: readonly CatalogProvider[],
): { providers: CatalogProvider[]; missing: string[] } {
  const providers: CatalogProvider[] = [];
  const missing: string[] = [];
  for (const [id, own] of Object.entries(config.mesh.llm.providers)) {
    const base = known.find((provider) => provider.id === id);
    const baseUrl = own.base_url?.replace(/\/+$/, '') ?? base?.baseUrl;
    const dialect = own.dialect ?? base?.dialect ?? (own.base_url === undefined ? undefined : 'openai-chat');
    if (baseUrl === undefined || dialect === undefined) {
      missing.push(id);
      continue;
    }
    const credential = `OPENLEGION_SYSTEM_${id.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_API_KEY`;
    const key = own.key ?? (base && !base.auth ? 'none' : undefined);
    const auth =
      key === 'none'
        ? undefined
        : key
          ? { ...AUTH[key], credential }
          : (base?.auth ?? { ...AUTH.bearer, credential });
    const models = Object.entries(own.models).map(([model, entry]) => ({
      id: model,
      contextTokens: entry.context_tokens,
      maxOutputTokens: entry.max_output_tokens,
      price: {
        input: entry.input_usd_per_million,
        output: entry.output_usd_per_million,
        ...(entry.cache_read_usd_per_million === undefined
          ? {}
          : { cacheRead: entry.cache_read_usd_per_million }),
        ...(entry.cache_write_usd_per_million === undefined
          ? {}
          : { cacheWrite: entry.cache_write_usd_per_million }),
      },
      ...(entry.image_tokens === undefined ? {} : { imageTokens: entry.image_tokens }),
    }));
    const ownIds = new Set(models.map((model) => model.id));
    providers.push({
      id,
      name: base?.name ?? id,
      dialect,
      baseUrl,
      ...(base?.socketPath === undefined || own.base_url !== undefined
        ? {}
        : { socketPath: base.socketPath }),
      ...(auth === undefined ? {} : { auth }),
      models: [...models, ...(base?.models ?? []).filter((model) => !ownIds.has(model.id))],
    });
  }
  return { providers, missing };
}
