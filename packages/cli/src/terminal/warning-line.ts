import { formatMicroUsd } from '@openlegion/contract/money';
import { oneLine } from './safe-text.ts';
import type { Style } from './style.ts';

/** `warning: agent:researcher has spent 83 % of its limit for 2026-11-21: $0.83 of $1.00`. */
export function warningLine(
  warning: { scope: string; period: string; spentMicroUsd: number; limitMicroUsd: number },
  style: Style,
): string {
  const { scope, period, spentMicroUsd: spent, limitMicroUsd: limit } = warning;
  const percent = limit === 0 ? 100 : Math.floor((spent * 100) / limit);
  return style(
    'yellow',
    `warning: ${oneLine(scope, 80)} has spent ${percent} % of its limit for ${oneLine(period, 10)}: ${formatMicroUsd(spent)} of ${formatMicroUsd(limit)}`,
  );
}
