/** `npm run check`: what needs no container engine, in under a minute. */
import { runTests, testFiles } from './run-tests.ts';
import { staticChecks } from './static-checks.ts';

const checks = await staticChecks();
const tests = await runTests(testFiles('unit'), 2, 'process');
const failed = checks.failed + tests.failed;
console.log(`${checks.passed + tests.passed} passed, ${failed} failed, ${tests.skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
