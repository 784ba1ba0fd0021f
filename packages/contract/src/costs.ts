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

/** A limit of the current day or month of which 80 % are spent. */
export const BudgetWarning = z.object({
  /** `agent:researcher`, `team:sales`, `fleet`. */
  scope: z.string(),
  /** `2026-11-21` or `2026-11`. */
  period: z.string(),
  spentMicroUsd: MicroUsd,
  limitMicroUsd: MicroUsd,
  at: z.string(),
});
export type BudgetWarning = z.infer<typeof BudgetWarning>;
