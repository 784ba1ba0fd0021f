import { estimateTokens } from '../prompt/estimate-tokens.ts';
import type { Constraint } from './context-store.ts';

/** Of the window, for what the user said that holds from then on. */
const SHARE = 0.15;

/** Those that fit, in the order in which they were said: the sure ones before the others, the newest before the older. */
export function fitConstraints(constraints: readonly Constraint[], windowTokens: number): string[] {
  let left = windowTokens * SHARE;
  const fitting = new Set<Constraint>();
  const newestFirst = constraints.toReversed();
  for (const one of [...newestFirst.filter(({ sure }) => sure), ...newestFirst.filter(({ sure }) => !sure)]) {
    left -= estimateTokens(one.text) + 2;
    if (left < 0) break;
    fitting.add(one);
  }
  return constraints.filter((one) => fitting.has(one)).map(({ text }) => text);
}
