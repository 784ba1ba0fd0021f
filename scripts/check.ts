/** `npm run check`: what needs no container engine, in under a minute. */
import { runUnitTests } from './run-tests.ts';
import { staticChecks } from './static-checks.ts';
import { summarise } from './summarise.ts';

summarise([await staticChecks(), await runUnitTests()]);
