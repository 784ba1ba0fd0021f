import type { CatalogProvider } from '@openlegion/contract/catalog';

/** One line for a provider and one for each model, so that a difference can be read. */
export function formatCatalog(sources: readonly string[], providers: readonly CatalogProvider[]): string {
  const parts = providers.map(({ models, ...provider }) => {
    const head = JSON.stringify(provider).slice(0, -1);
    if (models.length === 0) return `${head},"models":[]}`;
    return `${head},"models":[\n${models.map((model) => JSON.stringify(model)).join(',\n')}\n]}`;
  });
  return `{"sources":${JSON.stringify(sources)},\n"providers":[\n${parts.join(',\n')}\n]}\n`;
}
