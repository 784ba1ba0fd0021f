import type { GATEWAY_TRAILERS } from '@openlegion/contract/gateway-protocol';
import type { KeeperClient } from '../process/keeper-client.ts';
import type { AdmittedCall } from './admit-call.ts';
import { type Charge, chargeReservation } from './answer/price-usage.ts';

/** The contract's names; the type holds them to it. */
const TRAILERS: typeof GATEWAY_TRAILERS = {
  chargedMicroUsd: 'x-openlegion-charged-micro-usd',
  inputTokens: 'x-openlegion-input-tokens',
  outputTokens: 'x-openlegion-output-tokens',
  source: 'x-openlegion-usage-source',
};

export const TRAILER_NAMES = Object.values(TRAILERS).join(', ');

/** Ends a reservation. The first call decides; later ones get the same promise. */
export interface Settlement {
  /** Never rejects. Resolves with what was charged: with the whole reservation where the keeper did not take less. */
  settle(charge: Charge, httpStatus: number): Promise<Charge>;
}

/**
 * A keeper that went away meanwhile charges the reservation in full by itself, so there is nothing to repeat.
 */
export function createSettlement(call: AdmittedCall, keeper: KeeperClient<'gateway'>): Settlement {
  let done: Promise<Charge> | null = null;

  async function settle(charge: Charge, httpStatus: number): Promise<Charge> {
    const { reservationId } = call.reservation;
    const outcome = await keeper.call('settle', { reservationId, ...charge, httpStatus });
    return outcome.ok ? charge : chargeReservation(call.admitted);
  }

  return {
    settle(charge, httpStatus) {
      done ??= settle(charge, httpStatus);
      return done;
    },
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
