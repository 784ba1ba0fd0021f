import { readFileSync } from 'node:fs';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { FleetStatus } from '@openlegion/contract/control-api';
import { Costs, type Spending } from '@openlegion/contract/costs';
import { configPaths } from '@openlegion/contract/installation';
import { formatMicroUsd } from '@openlegion/contract/money';
import { parse } from 'yaml';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';
import { warningLine } from '../terminal/warning-line.ts';
import { spendingTable } from './costs.ts';

export async function budgetShow(
  { home, terminal }: CommandContext,
  options: { json: boolean },
): Promise<number> {
  const control = createControlClient(home);
  const costs = await control.json(Costs, { method: 'GET', path: '/api/costs' });
  const { warnings } = await control.json(FleetStatus, { method: 'GET', path: '/api/status' });
  if (options.json) {
    terminal.line(JSON.stringify({ ...costs, warnings }, null, 2));
    return 0;
  }
  terminal.line(budgetTable(costs, perMinute(home)));
  if (warnings.length > 0) terminal.line();
  for (const warning of warnings) terminal.line(warningLine(warning, terminal.style));
  return 0;
}

/** `perMinute`: what the configuration says of an agent, for the keeper counts it but shows no total. */
function budgetTable(costs: Costs, perMinute: ReadonlyMap<string, string>): string {
  const row = (name: string, spending: Spending) => [
    name,
    share(spending.spentTodayMicroUsd, spending.dailyMicroUsd),
    share(spending.spentMonthMicroUsd, spending.monthlyMicroUsd),
    formatMicroUsd(spending.reservedMicroUsd),
    perMinute.get(name) ?? '-',
  ];
  return spendingTable(costs, ['TODAY', 'MONTH', 'RESERVED', 'PER MINUTE'], row);
}

function share(spent: number, limit: number): string {
  const percent = limit === 0 ? 'all' : `${Math.floor((spent * 100) / limit)} %`;
  return `${formatMicroUsd(spent)} of ${formatMicroUsd(limit)} (${percent})`;
}

function perMinute(home: string): Map<string, string> {
  const config = AgentsConfig.safeParse(parse(readFileSync(configPaths(home).agents, 'utf8')));
  if (!config.success) return new Map();
  return new Map(
    Object.entries(config.data.agents).map(([name, { budget }]) => {
      const limits = [
        ...(budget.requests_per_minute ? [`${budget.requests_per_minute} requests`] : []),
        ...(budget.tokens_per_minute ? [`${budget.tokens_per_minute} tokens`] : []),
      ];
      return [name, limits.join(', ') || '-'];
    }),
  );
}
