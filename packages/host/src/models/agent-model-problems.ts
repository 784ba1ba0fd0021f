import type { CatalogProvider } from '@openlegion/contract/catalog';
import { findModel } from '@openlegion/contract/find-model';
import { modelRemedy } from './model-remedy.ts';

/** Of each agent whose own model cannot be called: why, and what to do. Its chain is the business of the chain's check. */
export function agentModelProblems(
  agents: Iterable<{ name: string; model: string }>,
  providers: readonly CatalogProvider[],
): Map<string, { reason: string; remedy: string }> {
  const problems = new Map<string, { reason: string; remedy: string }>();
  for (const { name, model } of agents) {
    const lookup = findModel(model, providers);
    if (!lookup.ok) problems.set(name, modelRemedy(model, lookup.missing));
  }
  return problems;
}
