import type { CatalogProvider } from '@openlegion/contract/catalog';
import { findModel } from '@openlegion/contract/find-model';
import type { ModelHealth } from '@openlegion/contract/gateway-protocol';
import type { Route, RouteRequest } from '@openlegion/contract/mesh-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { AgentSettings } from '../config/fleet-config.ts';
import { modelRemedy } from '../models/model-remedy.ts';

/**
 * The first model of the agent's chain that is not cooling down by what the gateway itself observed; when all cool
 * down, the one with least left. The chain is the model asked for, then the agent's others in their order. What the
 * agent says has failed is left out of this one answer and remembered nowhere: its claims move nobody, itself
 * included. A chain that is known only in part is what is known of it. Throws `denied` for a model that is not one of
 * the agent's, `not_found` where none of the chain can be called, `unavailable` when the chain is at its end.
 */
export function routeModel(
  agent: Pick<AgentSettings, 'name' | 'models'>,
  { model, failed }: RouteRequest,
  providers: readonly CatalogProvider[],
  health: readonly ModelHealth[],
  now: number,
): Route {
  if (!agent.models.includes(model)) throw notGranted(agent.name, model);
  const chain = [model, ...agent.models.filter((other) => other !== model)];
  let best: { route: Route; coolingMs: number } | null = null;
  let callable = 0;
  for (const name of chain) {
    const lookup = findModel(name, providers);
    if (!lookup.ok) continue;
    callable += 1;
    if (failed.includes(name)) continue;
    const { provider, model: entry, observedAs } = lookup.found;
    const coolingMs = coolingLeft(health, observedAs, now);
    if (best !== null && best.coolingMs <= coolingMs) continue;
    const { contextTokens, maxOutputTokens, imageTokens } = entry;
    const route = { model: name, dialect: provider.dialect, contextTokens, maxOutputTokens };
    best = { route: imageTokens === undefined ? route : { ...route, imageTokens }, coolingMs };
    if (coolingMs === 0) break;
  }
  if (best) return best.route;
  if (callable === 0) throw notCallable(agent.name, model, providers);
  throw chainEnded(callable);
}

function coolingLeft(health: readonly ModelHealth[], model: string, now: number): number {
  const until = health.find((entry) => entry.model === model)?.coolingUntil ?? null;
  return until === null ? 0 : Math.max(0, Date.parse(until) - now);
}

function notGranted(agent: string, model: string): OpenLegionError {
  return new OpenLegionError({
    code: 'denied',
    rule: `agents.${agent}.model`,
    message: `${agent} may not call ${model}.`,
    remedy: `An operator can make it the model of "${agent}" in config/agents.yaml, or add it to llm.failover in config/mesh.yaml.`,
  });
}

function notCallable(agent: string, model: string, providers: readonly CatalogProvider[]): OpenLegionError {
  const lookup = findModel(model, providers);
  const { reason, remedy } = modelRemedy(model, lookup.ok ? 'price' : lookup.missing);
  return new OpenLegionError({
    code: 'not_found',
    rule: 'catalog.model',
    message: `The model of ${agent}, ${model}, cannot be called: ${reason}.`,
    remedy,
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
