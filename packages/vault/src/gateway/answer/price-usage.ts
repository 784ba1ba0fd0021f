import type { Price } from '@openlegion/contract/catalog';
import type { SettleRequest } from '@openlegion/contract/keeper-protocol';
import { type Bound, dearestInput, microUsd, priceAt } from '../bound-cost.ts';
import type { Reading } from '../dialect/answer-reader.ts';

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
 * say it was whole costs the whole output that was granted. A believed input says which tier the call was of. Never
 * more than the reservation.
 */
export function priceUsage(reading: Reading, admitted: Admitted): Charge {
  const { bound, outputTokens: granted } = admitted;
  const isKnown = isPossible(reading, bound);
  const input = isKnown ? (reading.input ?? 0) : bound.inputTokens;
  const price = priceAt(admitted.price, input);
  const output = countedOutput(reading, granted);
  const audio = Math.min(reading.audioOutput, output.tokens);
  const outputPrice = isKnown ? price.output : bound.outputPrice;
  const cost = microUsd([
    ...(isKnown ? inputParts(reading, input, price) : ([[input, bound.inputPrice]] as const)),
    [output.tokens - audio, outputPrice],
    [audio, Math.max(outputPrice, price.audioOutput ?? 0)],
  ]);
  return {
    chargedMicroUsd: Math.min(cost, admitted.reservedMicroUsd),
    inputTokens: input,
    outputTokens: output.tokens,
    source: !reading.finished ? 'reservation' : isKnown && output.believed ? 'provider' : 'estimate',
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

function isPossible({ input, cacheRead, cacheWrite, audioInput }: Reading, bound: Bound): boolean {
  if (input === null || input < 1 || input > bound.inputTokens) return false;
  return cacheRead + (cacheWrite ?? 0) + audioInput <= input;
}

function inputParts(reading: Reading, input: number, price: Price): [tokens: number, price: number][] {
  const { cacheRead, cacheWrite, audioInput } = reading;
  const hour = Math.min(reading.cacheWriteHour, cacheWrite ?? 0);
  const dearest = dearestInput(price, false);
  return [
    // Where cache writes have a price but the provider does not count them, any of the rest may be one.
    [
      input - cacheRead - (cacheWrite ?? 0) - audioInput,
      price.cacheWrite !== undefined && cacheWrite === null ? dearest : price.input,
    ],
    [cacheRead, price.cacheRead ?? dearest],
    [(cacheWrite ?? 0) - hour, price.cacheWrite ?? dearest],
    [hour, Math.max(dearest, dearestInput(price, true))],
    [audioInput, Math.max(dearest, price.audioInput ?? 0)],
  ];
}
