import type { Price } from '@openlegion/contract/catalog';

/**
 * A price without figures that would charge too little. Writing to a cache costs no less than reading without one: a
 * smaller figure is that of something else (storage by the hour) and goes. A tier that says nothing of a class which
 * the base has is billed for it at its dearest, not at the base's.
 */
export function settlePrice({ tiers, ...base }: Price): Price {
  const price = withoutCheapWrites(base);
  if (!tiers) return price;
  return {
    ...price,
    tiers: tiers.map((given) => {
      const tier = withoutCheapWrites(given);
      const dearest = Math.max(tier.input, tier.cacheWrite ?? 0, price.cacheWrite ?? 0);
      return {
        ...tier,
        ...(price.cacheRead === undefined ? {} : { cacheRead: tier.cacheRead ?? tier.input }),
        ...(price.cacheWrite === undefined ? {} : { cacheWrite: tier.cacheWrite ?? dearest }),
      };
    }),
  };
}

function withoutCheapWrites<P extends Omit<Price, 'tiers'>>(
  price: P,
): Omit<P, 'cacheWrite'> & { cacheWrite?: number } {
  const { cacheWrite, ...rest } = price;
  return cacheWrite === undefined || cacheWrite < price.input ? rest : { ...rest, cacheWrite };
}
