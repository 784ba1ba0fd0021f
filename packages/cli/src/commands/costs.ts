import { formatMicroUsd } from '@openlegion/contract/money';
import { z } from 'zod';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';
import { formatTable } from '../terminal/table.ts';

const Spending = z.object({
  spentTodayMicroUsd: z.int(),
  spentMonthMicroUsd: z.int(),
  reservedMicroUsd: z.int(),
  dailyMicroUsd: z.int(),
  monthlyMicroUsd: z.int(),
  calls: z.int(),
  inputTokens: z.int(),
  outputTokens: z.int(),
});

/** The keeper's ledger as the control API gives it (`contract/keeper-protocol.ts`). */
export const Costs = z.object({
  day: z.string(),
  month: z.string(),
  timeZone: z.string(),
  fleet: Spending,
  agents: z.record(z.string(), Spending),
});
export type Costs = z.infer<typeof Costs>;

export async function costs({ home, terminal }: CommandContext, options: { json: boolean }): Promise<number> {
  const found = await createControlClient(home).json(Costs, { method: 'GET', path: '/api/costs' });
  terminal.line(options.json ? JSON.stringify(found, null, 2) : costTable(found));
  return 0;
}

export function costTable(costs: Costs): string {
  const row = (name: string, spending: z.infer<typeof Spending>) => [
    name,
    `${formatMicroUsd(spending.spentTodayMicroUsd)} of ${formatMicroUsd(spending.dailyMicroUsd)}`,
    `${formatMicroUsd(spending.spentMonthMicroUsd)} of ${formatMicroUsd(spending.monthlyMicroUsd)}`,
    formatMicroUsd(spending.reservedMicroUsd),
    String(spending.calls),
    String(spending.inputTokens),
    String(spending.outputTokens),
  ];
  const agents = Object.entries(costs.agents).sort(([a], [b]) => a.localeCompare(b));
  return [
    `Day ${costs.day}, month ${costs.month} (${costs.timeZone})`,
    formatTable([
      ['', 'TODAY', 'MONTH', 'RESERVED', 'CALLS', 'TOKENS IN', 'TOKENS OUT'],
      ...agents.map(([name, spending]) => row(name, spending)),
      row('fleet', costs.fleet),
    ]),
  ].join('\n');
}
