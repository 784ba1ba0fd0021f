import type { Price } from '@openlegion/contract/catalog';
import type { SettleRequest } from '@openlegion/contract/keeper-protocol';
import { type Bound, hourCachePrice, microUsd } from '../bound-cost.ts';
import type { Reading } from './reading.ts';

/** A settlement without its reservation. */
export type Charge = Omit<SettleRequest, 'reservationId' | 'httpStatus'>;

export const NOTHING: Charge = { chargedMicroUsd: 0, inputTokens: 0, outputTokens: 0, source: 'none' };

export interface Admitted {
  bound: Bound;
  price: Price;
  /** As the keeper granted, over all choices. */
  outputTokens: number;
  reservedMicroUsd: number;
}

/** The call may have run to its end without our seeing it: all that was reserved. */
export function chargeReservation({ bound, outputTokens, reservedMicroUsd }: Admitted): Charge {
  return {
    chargedMicroUsd: reservedMicroUsd,
    inputTokens: bound.inputTokens,
    outputTokens,
    source: 'reservation',
  };
}

/**
 * What an answer cost. The provider's figures are believed where they are possible: at least one token in, one out
 * if anything came out, and no more than was bounded. Otherwise each side is our own count: the bound for input;
 * for output the bytes that passed, the whole grant where the provider claims more than that. An answer that did not
 * say it was whole costs the whole output that was granted. Never more than the reservation.
 */
export function priceUsage(reading: Reading, admitted: Admitted): Charge {
  const { bound, price, outputTokens: granted } = admitted;
  const input = pricedInput(reading, bound, price);
  const output = countedOutput(reading, granted);
  const cost = microUsd([...input.parts, [output.tokens, bound.outputPrice]]);
  return {
    chargedMicroUsd: Math.min(cost, admitted.reservedMicroUsd),
    inputTokens: input.tokens,
    outputTokens: output.tokens,
    source: !reading.finished ? 'reservation' : input.believed && output.believed ? 'provider' : 'estimate',
  };
}

function countedOutput(reading: Reading, granted: number): { tokens: number; believed: boolean } {
  if (!reading.finished) return { tokens: granted, believed: false };
  const said = reading.output;
  if (said !== null && said <= granted && (said > 0 || reading.outputBytes === 0))
    return { tokens: said, believed: true };
  const counted = said !== null && said > granted ? granted : Math.min(reading.outputBytes, granted);
  return { tokens: counted, believed: false };
}

function pricedInput(reading: Reading, bound: Bound, price: Price) {
  const { input, cacheRead, cacheWrite, cacheWriteHour } = reading;
  const uncached = (input ?? 0) - cacheRead - (cacheWrite ?? 0) - cacheWriteHour;
  if (input === null || input < 1 || input > bound.inputTokens || uncached < 0)
    return {
      tokens: bound.inputTokens,
      parts: [[bound.inputTokens, bound.inputPrice]] as const,
      believed: false,
    };
  const dearest = Math.max(price.input, price.cacheRead ?? 0, price.cacheWrite ?? 0);
  return {
    tokens: input,
    parts: [
      // Where cache writes have a price but the provider does not count them, any of the rest may be one.
      [uncached, price.cacheWrite !== undefined && cacheWrite === null ? dearest : price.input],
      [cacheRead, price.cacheRead ?? dearest],
      [cacheWrite ?? 0, price.cacheWrite ?? dearest],
      [cacheWriteHour, Math.max(dearest, hourCachePrice(price.input))],
    ] as const,
    believed: true,
  };
}
