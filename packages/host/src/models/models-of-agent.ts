import type { CatalogProvider } from '@openlegion/contract/catalog';
import { findModel } from '@openlegion/contract/find-model';
import type { AgentModels } from '@openlegion/contract/mesh-api';

/** The models of an agent's chain, in order, by the names that its policy has; without those that cannot be called. */
export function modelsOfAgent(
  agent: { models: readonly string[] },
  providers: readonly CatalogProvider[],
): AgentModels {
  return {
    models: agent.models.flatMap((name) => {
      const lookup = findModel(name, providers);
      if (!lookup.ok) return [];
      const { provider, model } = lookup.found;
      return [
        {
          model: name,
          dialect: provider.dialect,
          contextTokens: model.contextTokens,
          maxOutputTokens: model.maxOutputTokens,
          embedding: model.capabilities?.includes('embedding') === true,
        },
      ];
    }),
  };
}
