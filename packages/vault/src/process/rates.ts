import type { PolicyAgent, ReserveRequest } from '@openlegion/contract/keeper-protocol';
import { tooFast } from './keeper-refusals.ts';

/** One call as it was counted, to be corrected when its tokens are known. */
export interface Counted {
  tokens: number;
  in: { tokens: number }[];
}

const MINUTE_S = 60;

export type Rates = ReturnType<typeof createRates>;

/**
 * Requests and tokens of the last minute, of an agent and all that spend for it, second by second and in memory
 * alone: what a restart forgets, a minute would.
 */
export function createRates(now: () => number) {
  const seconds = new Map<string, Map<number, { requests: number; tokens: number }>>();

  function ofLastMinute(agent: string): Map<number, { requests: number; tokens: number }> {
    const own = seconds.get(agent) ?? new Map<number, { requests: number; tokens: number }>();
    const second = Math.floor(now() / 1000);
    // A whole minute before this second began, and nothing of a clock that was set back.
    for (const at of own.keys()) if (Math.abs(second - at) > MINUTE_S) own.delete(at);
    if (own.size === 0) seconds.delete(agent);
    else seconds.set(agent, own);
    return own;
  }

  return {
    /** How many output tokens the limits per minute leave this call; throws the refusal when not enough of them. */
    admit(line: readonly PolicyAgent[], call: ReserveRequest): number {
      const least = Math.min(call.minOutputTokens, call.outputTokens);
      let most = call.outputTokens;
      for (const { name, requestsPerMinute, tokensPerMinute } of line) {
        if (requestsPerMinute === null && tokensPerMinute === null) continue;
        let [requests, tokens] = [0, 0];
        for (const second of ofLastMinute(name).values()) {
          requests += second.requests;
          tokens += second.tokens;
        }
        if (requestsPerMinute !== null && requests >= requestsPerMinute)
          throw tooFast(name, 'requests', requestsPerMinute);
        if (tokensPerMinute !== null) most = Math.min(most, tokensPerMinute - tokens - call.inputTokens);
        if (most < least) throw tooFast(name, 'tokens', tokensPerMinute ?? 0);
      }
      return most;
    },
    count(line: readonly PolicyAgent[], tokens: number): Counted {
      const second = Math.floor(now() / 1000);
      const counted = line.map(({ name }) => {
        const own = ofLastMinute(name);
        const bucket = own.get(second) ?? { requests: 0, tokens: 0 };
        bucket.requests += 1;
        bucket.tokens += tokens;
        seconds.set(name, own.set(second, bucket));
        return bucket;
      });
      return { tokens, in: counted };
    },
    /** What was reserved and not used is free again at once. */
    correct(counted: Counted, tokens: number): void {
      for (const bucket of counted.in) bucket.tokens -= Math.max(0, counted.tokens - tokens);
    },
  };
}
