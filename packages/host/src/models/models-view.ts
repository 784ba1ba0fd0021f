import type { CatalogProvider } from '@openlegion/contract/catalog';
import type { ModelsView } from '@openlegion/contract/control-api';
import type { ModelHealth } from '@openlegion/contract/gateway-protocol';

/**
 * What the operator sees: every provider as it applies now, and of each model that was called what the gateway
 * observed. A model whose cooling is over is as good as any until it is called again. The socket of this
 * installation's own provider is nobody else's business.
 */
export function modelsView(
  providers: readonly CatalogProvider[],
  health: readonly ModelHealth[],
  now: number,
): ModelsView {
  return {
    providers: providers.map(({ socketPath: _socketPath, ...provider }) => provider),
    health: health.map((entry) => {
      const cooling = entry.coolingUntil !== null && Date.parse(entry.coolingUntil) > now;
      return { ...entry, ok: entry.ok || !cooling, coolingUntil: cooling ? entry.coolingUntil : null };
    }),
  };
}
