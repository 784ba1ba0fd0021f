import { estimateTokens } from '../prompt/estimate-tokens.ts';

/** Of the window, for what the user said that holds from then on. */
const SHARE = 0.15;

/** The newest that fit, in the order in which they were said. */
export function fitConstraints(constraints: readonly string[], windowTokens: number): string[] {
  let left = windowTokens * SHARE;
  const from = constraints.findLastIndex((text) => {
    left -= estimateTokens(text) + 2;
    return left < 0;
  });
  return constraints.slice(from + 1);
}
