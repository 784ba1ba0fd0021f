/** `npm test`: everything, containers included. Sets up what the container tests need where it may. */
import { prepareMachine } from './prepare-machine.ts';
import { runTests, testFiles } from './run-tests.ts';
import { staticChecks } from './static-checks.ts';

const startedAt = performance.now();
await prepareMachine();
const checks = await staticChecks();
const unit = await runTests([...testFiles('unit'), ...testFiles('process')], 2, 'process');
const containers = await runTests(testFiles('container'), 1, 'container');
const passed = checks.passed + unit.passed + containers.passed;
const failed = checks.failed + unit.failed + containers.failed;
const skipped = unit.skipped + containers.skipped;
console.log(`took ${Math.round((performance.now() - startedAt) / 1000)} s`);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
