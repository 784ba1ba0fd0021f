import { z } from 'zod';
import { MicroUsd } from './money.ts';

/** What one agent, or the fleet, spent and may spend. Counts of calls and tokens are of the month. */
export const Spending = z.object({
  spentTodayMicroUsd: MicroUsd,
  spentMonthMicroUsd: MicroUsd,
  reservedMicroUsd: MicroUsd,
  dailyMicroUsd: MicroUsd,
  monthlyMicroUsd: MicroUsd,
  calls: z.int().nonnegative(),
  inputTokens: z.int().nonnegative(),
  outputTokens: z.int().nonnegative(),
});
export type Spending = z.infer<typeof Spending>;

/** The keeper's ledger, as the control API passes it on. */
export const Costs = z.object({
  day: z.string(),
  month: z.string(),
  timeZone: z.string(),
  fleet: Spending,
  teams: z.record(z.string(), Spending),
  agents: z.record(z.string(), Spending),
});
export type Costs = z.infer<typeof Costs>;
