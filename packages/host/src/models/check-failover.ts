import type { CatalogProvider } from '@openlegion/contract/catalog';
import { findModel } from '@openlegion/contract/find-model';
import { modelRemedy } from './model-remedy.ts';

type Failover = Readonly<Record<string, readonly string[]>>;

export interface FailoverProblem {
  /** In `llm.failover`: the model, and which of its entries. */
  model: string;
  index: number;
  message: string;
  remedy: string;
}

/**
 * What is wrong with the chains themselves. A chain is the model and what its own line names, in this order; the
 * lines of those are not followed, so two models may stand in for each other. None may be in its own chain twice.
 */
export function checkFailover(failover: Failover): FailoverProblem[] {
  return Object.entries(failover).flatMap(([model, entries]) =>
    entries.flatMap((entry, index) => {
      const chain = [model, ...entries.slice(0, index)].map((name) => name.toLowerCase());
      if (!chain.includes(entry.toLowerCase())) return [];
      const message = `the failover chain of "${model}" comes back to "${entry}"`;
      return [
        { model, index, message, remedy: 'Name each model once; a model is the first of its own chain.' },
      ];
    }),
  );
}

/** What only the catalog can tell: entries that are not known or have no price, aliases of one already there, kinds that differ. */
export function checkFailoverModels(
  failover: Failover,
  providers: readonly CatalogProvider[],
): FailoverProblem[] {
  return Object.entries(failover).flatMap(([model, entries]) => {
    const first = findModel(model, providers);
    const embeds = first.ok && isEmbedding(first.found.model.capabilities);
    const seen = new Set(first.ok ? [first.found.model] : []);
    return entries.flatMap((entry, index): FailoverProblem[] => {
      const found = findModel(entry, providers);
      if (!found.ok) {
        const { reason, remedy } = modelRemedy(entry, found.missing);
        return [
          { model, index, message: `the failover chain of "${model}" names "${entry}": ${reason}`, remedy },
        ];
      }
      const entryModel = found.found.model;
      if (isEmbedding(entryModel.capabilities) !== embeds) {
        const message = `the failover chain of "${model}" names "${entry}": one of them makes embeddings, the other text`;
        return [{ model, index, message, remedy: 'Name a model of the same kind.' }];
      }
      const again = entryModel.id !== '*' && seen.has(entryModel);
      seen.add(entryModel);
      if (!again) return [];
      const message = `the failover chain of "${model}" names "${entry}", another name of a model that is in it already`;
      return [{ model, index, message, remedy: 'Name each model once.' }];
    });
  });
}

function isEmbedding(capabilities: readonly string[] | undefined): boolean {
  return capabilities?.includes('embedding') === true;
}
