import { z } from 'zod';

/** One US dollar in micro-dollars, the only unit in which money is counted. */
export const MICRO_USD_PER_USD = 1_000_000;

/** A non-negative whole number of micro-dollars that a double represents exactly. */
export const MicroUsd = z.int().nonnegative();
export type MicroUsd = z.infer<typeof MicroUsd>;

/** A dollar amount as people write it in YAML (`5.00`), turned into micro-dollars; at most a million dollars. */
export const UsdAmount = z
  .number()
  .nonnegative()
  .max(1_000_000)
  .transform((usd) => Math.round(usd * MICRO_USD_PER_USD));

/** `1234567` → `$1.234567`; trailing zeros beyond the cents are dropped. */
export function formatMicroUsd(microUsd: number): string {
  const whole = Math.floor(microUsd / MICRO_USD_PER_USD);
  const fraction = String(microUsd % MICRO_USD_PER_USD).padStart(6, '0');
  return `$${whole}.${fraction.replace(/0{1,4}$/, '')}`;
}
