import type { CatalogProvider } from '@openlegion/contract/catalog';
import type { Route, RouteRequest } from '@openlegion/contract/mesh-api';
import { splitModelName } from '@openlegion/contract/model-name';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { AgentSettings } from '../config/fleet-config.ts';
import type { GatewayHealth } from '../vault/gateway-client.ts';

type Health = GatewayHealth['models'][number];

/**
 * The first model of the agent's chain that is not among those it says have just failed and that is not cooling
 * down by what the gateway itself observed; when all cool down, the one with least left. What the agent says has
 * failed steers only this answer. Throws `denied` for a model that is not one of the agent's, `not_found` for one
 * without a price, `unavailable` when the chain is at its end.
 */
export function routeModel(
  agent: AgentSettings,
  { model, failed }: RouteRequest,
  providers: readonly CatalogProvider[],
  health: readonly Health[],
  now: number,
): Route {
  if (!agent.models.includes(model)) throw notGranted(agent.name, model);
  const chain = [model, ...agent.models.filter((other) => other !== model)].filter(
    (name) => !failed.includes(name),
  );
  const known = chain.flatMap((name) => routeOf(name, providers) ?? []);
  if (chain.length > 0 && known.length === 0) throw unknownModel(chain[0] ?? model, agent.name);
  const cooling = new Map(
    health.map((entry) => [entry.model, entry.coolingUntil === null ? 0 : Date.parse(entry.coolingUntil)]),
  );
  const [first] = known.toSorted(
    (a, b) => Math.max(now, cooling.get(a.model) ?? 0) - Math.max(now, cooling.get(b.model) ?? 0),
  );
  if (!first) throw chainEnded(agent.models.length);
  return first;
}

/** How a model is spoken to, or null for one that the catalog does not know; `*` in it stands for every model. */
export function routeOf(name: string, providers: readonly CatalogProvider[]): Route | null {
  const { provider: id, model } = splitModelName(name);
  const provider = providers.find((entry) => entry.id === id);
  const entry =
    provider?.models.find((candidate) => candidate.id === model || candidate.aliases?.includes(model)) ??
    provider?.models.find((candidate) => candidate.id === '*');
  if (!provider || !entry) return null;
  return {
    model: name,
    dialect: provider.dialect,
    contextTokens: entry.contextTokens,
    maxOutputTokens: entry.maxOutputTokens,
  };
}

function notGranted(agent: string, model: string): OpenLegionError {
  return new OpenLegionError({
    code: 'denied',
    rule: `agents.${agent}.model`,
    message: `${agent} may not call ${model}.`,
    remedy: `An operator can make it the model of "${agent}" in config/agents.yaml, or add it to llm.failover in config/mesh.yaml.`,
  });
}

function unknownModel(model: string, agent: string): OpenLegionError {
  return new OpenLegionError({
    code: 'not_found',
    rule: 'catalog.model',
    message: `The model ${model} is not in the catalog, so what it costs is not known and it is not called.`,
    remedy: `Correct the model of "${agent}" in config/agents.yaml (or llm.default_model in config/mesh.yaml), or give the model and its price under llm.providers in config/mesh.yaml.`,
  });
}

function chainEnded(length: number): OpenLegionError {
  return new OpenLegionError({
    code: 'unavailable',
    rule: 'llm.failover',
    message:
      length === 1
        ? 'The model failed, and there is none to fail over to.'
        : 'Every model of the failover chain failed.',
    remedy: 'Try again later, or add a model of another provider to llm.failover in config/mesh.yaml.',
  });
}
