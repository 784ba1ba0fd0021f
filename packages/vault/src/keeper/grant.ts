import type { ReserveRequest } from '@openlegion/contract/keeper-protocol';

export type CallBounds = Pick<
  ReserveRequest,
  'inputMicroUsd' | 'outputTokens' | 'minOutputTokens' | 'outputMicroUsdPerMillion'
>;

const PER_MILLION = 1_000_000n;

/** The most a call can cost with so many output tokens, rounded up. Exact for any whole numbers. */
export function worstCaseMicroUsd(bounds: CallBounds, outputTokens: number): bigint {
  const output = BigInt(outputTokens) * BigInt(bounds.outputMicroUsdPerMillion);
  return BigInt(bounds.inputMicroUsd) + (output + PER_MILLION - 1n) / PER_MILLION;
}

export interface Grant {
  outputTokens: number;
  microUsd: number;
}

/**
 * The most output tokens, up to those wanted, whose worst case fits into `roomMicroUsd`; null when not even the
 * smaller of those wanted and the minimum do.
 */
export function grantOutput(bounds: CallBounds, roomMicroUsd: number): Grant | null {
  const left = BigInt(roomMicroUsd) - BigInt(bounds.inputMicroUsd);
  if (left < 0n) return null;
  const price = BigInt(bounds.outputMicroUsdPerMillion);
  const wanted = BigInt(bounds.outputTokens);
  // ceil(n × price / 10⁶) ≤ left, for a whole `left`, exactly when n ≤ left × 10⁶ / price.
  const affordable = price === 0n ? wanted : (left * PER_MILLION) / price;
  const outputTokens = Number(affordable < wanted ? affordable : wanted);
  if (outputTokens < Math.min(bounds.minOutputTokens, bounds.outputTokens)) return null;
  return { outputTokens, microUsd: Number(worstCaseMicroUsd(bounds, outputTokens)) };
}
