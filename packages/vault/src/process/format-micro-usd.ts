/** `1234567` → `$1.234567`; trailing zeros beyond the cents are dropped. As the contract's, held to it by a test. */
export function formatMicroUsd(microUsd: number): string {
  const fraction = String(microUsd % 1_000_000).padStart(6, '0');
  return `$${Math.floor(microUsd / 1_000_000)}.${fraction.replace(/0{1,4}$/, '')}`;
}
