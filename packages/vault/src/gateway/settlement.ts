import type { GATEWAY_TRAILERS } from '@openlegion/contract/gateway-protocol';
import type { KeeperClient } from '../process/keeper-client.ts';
import type { Charge } from './answer/price-usage.ts';

/** The contract's names; the type holds them to it. */
const TRAILERS: typeof GATEWAY_TRAILERS = {
  chargedMicroUsd: 'x-openlegion-charged-micro-usd',
  inputTokens: 'x-openlegion-input-tokens',
  outputTokens: 'x-openlegion-output-tokens',
  source: 'x-openlegion-usage-source',
};

export const TRAILER_NAMES = Object.values(TRAILERS).join(', ');

/** Ends a reservation. The first call decides, and later ones do nothing; each returns what was charged. */
export type Settle = (charge: Charge, httpStatus: number) => Charge;

/**
 * The answer does not wait for the keeper: whatever is reserved next comes after this on the same connection. A
 * settlement that the keeper refuses, or goes away before, leaves the call charged with its whole reservation there,
 * and is told to `failed`.
 */
export function createSettlement(
  reservationId: string,
  keeper: KeeperClient<'gateway'>,
  failed: (error: unknown) => void,
): Settle {
  let settled: Charge | null = null;

  async function send(charge: Charge, httpStatus: number): Promise<void> {
    const outcome = await keeper.call('settle', { reservationId, ...charge, httpStatus });
    if (!outcome.ok && outcome.refusal.code !== 'unavailable') failed(new Error(outcome.refusal.rule));
  }

  return (charge, httpStatus) => {
    if (settled === null) {
      settled = charge;
      send(charge, httpStatus).catch(failed);
    }
    return settled;
  };
}

export function trailersOf(charge: Charge): Record<string, string> {
  return {
    [TRAILERS.chargedMicroUsd]: String(charge.chargedMicroUsd),
    [TRAILERS.inputTokens]: String(charge.inputTokens),
    [TRAILERS.outputTokens]: String(charge.outputTokens),
    [TRAILERS.source]: charge.source,
  };
}
