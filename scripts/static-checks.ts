import { runStep } from './run-step.ts';
import type { TestCounts } from './run-tests.ts';

/** Format, lint and types; each counts as one check. */
export async function staticChecks(): Promise<TestCounts> {
  const results = [
    await runStep('format and lint', 'node_modules/.bin/biome', ['check', '--error-on-warnings', '.']),
    await runStep('types', 'node_modules/.bin/tsc', ['--noEmit']),
  ];
  const passed = results.filter(Boolean).length;
  return { passed, failed: results.length - passed, skipped: 0 };
}
