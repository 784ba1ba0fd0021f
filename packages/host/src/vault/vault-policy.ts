import type { CatalogProvider } from '@openlegion/contract/catalog';
import type { EgressSettings } from '@openlegion/contract/gateway-protocol';
import type { Policy, PolicyLimits } from '@openlegion/contract/keeper-protocol';
import type { ProviderConfig } from '@openlegion/contract/mesh-config';
import { ownModels } from '@openlegion/contract/own-models';
import type { FleetConfig } from '../config/fleet-config.ts';
import { callableModels } from '../models/embedding-model.ts';
import { matchesPattern } from '../router/match-pattern.ts';

/**
 * What the keeper must know to decide on its own: who may call which models and reach which hosts with which
 * credentials, and within which limits.
 */
export function policyOf({ mesh, agents }: FleetConfig): Policy {
  return {
    timeZone: mesh.budget.timezone,
    fleet: limitsOf(mesh.budget),
    teams: Object.entries(mesh.teams).map(([name, { budget }]) => ({ name, ...limitsOf(budget) })),
    opaqueHosts: Object.entries(mesh.egress.hosts).flatMap(([host, { opaque }]) => (opaque ? [host] : [])),
    agents: [...agents.values()].map((agent) => ({
      name: agent.name,
      team: agent.team ?? null,
      parent: agent.parent ?? null,
      ...limitsOf(agent.budget),
      requestsPerMinute: agent.budget.requests_per_minute ?? null,
      tokensPerMinute: agent.budget.tokens_per_minute ?? null,
      apis: apisOf(agent.permissions.allowed_apis),
      models: callableModels(agent.models, mesh.llm.embedding_model),
      domains: agent.permissions.allowed_domains,
      credentials: agent.permissions.allowed_credentials,
    })),
  };
}

function limitsOf(budget: { daily_usd: number; monthly_usd: number }): PolicyLimits {
  return { dailyMicroUsd: budget.daily_usd, monthlyMicroUsd: budget.monthly_usd };
}

/** Patterns in `allowed_apis` are resolved here, over the interfaces that exist: the keeper takes names. */
const APIS = ['llm', 'web_search', 'vault'];

function apisOf(patterns: readonly string[]): string[] {
  const plain = patterns.filter((pattern) => !pattern.includes('*'));
  const covered = APIS.filter((api) => patterns.some((pattern) => matchesPattern(pattern, api)));
  return [...new Set([...plain, ...covered])];
}

/** What the gateway must know of `egress` in mesh.yaml. */
export function egressSettingsOf({ mesh, extraRootsPem }: FleetConfig): EgressSettings {
  const { hosts, requests_per_minute, megabytes_per_minute, connections } = mesh.egress;
  return {
    extraRootsPem,
    hosts: Object.entries(hosts).flatMap(([host, { address, port }]) =>
      address === undefined ? [] : [{ host, address, port: port ?? null }],
    ),
    requestsPerMinute: requests_per_minute,
    bytesPerMinute: megabytes_per_minute * 1_000_000,
    connections,
  };
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
    const baseUrl = own.base_url?.replace(/\/+$/, '') ?? base?.baseUrl ?? '';
    if (baseUrl === '') {
      missing.push(id);
      continue;
    }
    const auth = authOf(id, own.key, base);
    providers.push({
      id,
      name: base?.name ?? id,
      dialect: own.dialect ?? base?.dialect ?? 'openai-chat',
      baseUrl,
      ...(base?.environment === undefined ? {} : { environment: base.environment }),
      ...(base?.local === undefined ? {} : { local: base.local }),
      ...(auth === undefined ? {} : { auth }),
      models: ownModels(own.models, base?.models ?? []),
    });
  }
  return { providers, missing };
}

function authOf(
  id: string,
  key: ProviderConfig['key'],
  base: CatalogProvider | undefined,
): CatalogProvider['auth'] {
  if (key === 'none' || (key === undefined && base && !base.auth)) return undefined;
  if (key === undefined && base?.auth) return base.auth;
  const credential = `OPENLEGION_SYSTEM_${id.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_API_KEY`;
  return { ...AUTH[key ?? 'bearer'], credential };
}
