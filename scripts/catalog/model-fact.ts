import type { CatalogModel, Price } from '@openlegion/contract/catalog';

/** What a source says of one model of one provider. */
export interface ModelFact {
  /** As the provider takes it. */
  id: string;
  price: Price;
  contextTokens: number | null;
  maxOutputTokens: number | null;
  capabilities: NonNullable<CatalogModel['capabilities']>;
}

/**
 * US dollars per million tokens in whole micro-dollars, rounded up so that nothing is ever charged too little. The
 * sources' decimals come as doubles: `0.1 + 0.2` must not round up by a whole micro-dollar.
 */
export function microUsdPerMillion(usd: number): number {
  if (!Number.isFinite(usd) || usd < 0 || usd > 1000) throw new Error(`a price of ${usd} dollars`);
  return Math.ceil(Number((usd * 1_000_000).toFixed(3)));
}
