import type { Price } from '@openlegion/contract/catalog';

/** Micro-dollars per million tokens in US dollars per million: `400000` is `0.40`, `37500` is `0.0375`. */
export function usdPerMillion(microUsd: number | undefined): string {
  if (microUsd === undefined) return '-';
  const [whole = '0', fraction = ''] = String(microUsd / 1_000_000).split('.');
  return `${whole}.${fraction.padEnd(2, '0')}`;
}

/** `0.40 in, 1.60 out, 0.10 cached`, in US dollars per million tokens. */
function formatPrice(price: Omit<Price, 'tiers'>): string {
  const further = [
    ['cached', price.cacheRead],
    ['cache write', price.cacheWrite],
    ['audio in', price.audioInput],
    ['audio out', price.audioOutput],
  ] as const;
  return [
    `${usdPerMillion(price.input)} in`,
    `${usdPerMillion(price.output)} out`,
    ...further.flatMap(([name, value]) => (value === undefined ? [] : [`${usdPerMillion(value)} ${name}`])),
  ].join(', ');
}

/** A line for the price, and one for each size of prompt from which it is another. */
export function formatTiers({ tiers = [], ...price }: Price): string[] {
  return [
    formatPrice(price),
    ...tiers.map(
      ({ aboveInputTokens, ...tier }) => `above ${aboveInputTokens} input tokens: ${formatPrice(tier)}`,
    ),
  ];
}
