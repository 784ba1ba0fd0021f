/** `npm test`: everything, containers included. Sets up what the container tests need where it may. */
import { prepareMachine } from './prepare-machine.ts';
import { runTests, runUnitTests } from './run-tests.ts';
import { staticChecks } from './static-checks.ts';
import { summarise } from './summarise.ts';

await prepareMachine();
summarise([
  await staticChecks(),
  await runUnitTests(),
  await runTests('process', 2),
  await runTests('container', 1),
]);
