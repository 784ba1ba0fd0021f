import type { CatalogProvider } from '@openlegion/contract/catalog';
import { findModel } from '@openlegion/contract/find-model';
import { modelRemedy } from './model-remedy.ts';

/**
 * What an agent may call: its chain, and the fleet's model for embeddings, which its memory searches with. Not part of
 * the chain: nothing fails over to it.
 */
export function callableModels(chain: readonly string[], embeddingModel: string | undefined): string[] {
  return [...new Set([...chain, ...(embeddingModel === undefined ? [] : [embeddingModel])])];
}

/** Why `llm.embedding_model` cannot be used, for the operator; undefined where it can. Memory then does without. */
export function embeddingModelProblem(
  model: string | undefined,
  providers: readonly CatalogProvider[],
): { message: string; remedy: string } | undefined {
  if (model === undefined) return undefined;
  const found = findModel(model, providers);
  if (!found.ok) {
    const { reason, remedy } = modelRemedy(model, found.missing);
    return { message: `llm.embedding_model "${model}": ${reason}`, remedy };
  }
  // A price alone, as for an operator's own model, says nothing of what it makes.
  const { capabilities } = found.found.model;
  if (capabilities === undefined || capabilities.length === 0 || capabilities.includes('embedding'))
    return undefined;
  return {
    message: `llm.embedding_model "${model}" makes text, not embeddings`,
    remedy: 'Name a model for embeddings, for example openai/text-embedding-3-small.',
  };
}
