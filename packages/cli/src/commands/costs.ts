import { Costs, type Spending } from '@openlegion/contract/costs';
import { formatMicroUsd } from '@openlegion/contract/money';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';
import { formatTable } from '../terminal/table.ts';

export async function costs({ home, terminal }: CommandContext, options: { json: boolean }): Promise<number> {
  const found = await createControlClient(home).json(Costs, { method: 'GET', path: '/api/costs' });
  terminal.line(options.json ? JSON.stringify(found, null, 2) : costTable(found));
  return 0;
}

export function costTable(costs: Costs): string {
  const row = (name: string, spending: Spending) => [
    name,
    `${formatMicroUsd(spending.spentTodayMicroUsd)} of ${formatMicroUsd(spending.dailyMicroUsd)}`,
    `${formatMicroUsd(spending.spentMonthMicroUsd)} of ${formatMicroUsd(spending.monthlyMicroUsd)}`,
    formatMicroUsd(spending.reservedMicroUsd),
    String(spending.calls),
    String(spending.inputTokens),
    String(spending.outputTokens),
  ];
  return spendingTable(costs, ['TODAY', 'MONTH', 'RESERVED', 'CALLS', 'TOKENS IN', 'TOKENS OUT'], row);
}

/** A row for each agent and team and for the fleet, in this order, below its day and month. */
export function spendingTable(
  costs: Costs,
  columns: readonly string[],
  row: (name: string, spending: Spending) => string[],
): string {
  const rows = (scope: string, spendings: Record<string, Spending>) =>
    Object.entries(spendings)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, spending]) => row(`${scope}${name}`, spending));
  return [
    `Day ${costs.day}, month ${costs.month} (${costs.timeZone})`,
    formatTable([
      ['', ...columns],
      ...rows('', costs.agents),
      ...rows('team:', costs.teams),
      row('fleet', costs.fleet),
    ]),
  ].join('\n');
}
