import { sumOf, type TestCounts } from './run-tests.ts';

/** Prints the closing line over everything that ran, and sets the exit code. */
export function summarise(all: TestCounts[]): void {
  const { passed, failed, skipped } = sumOf(...all);
  console.log(`took ${Math.round(process.uptime())} s`);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed === 0 ? 0 : 1;
}
