/**
 * Loaded before each test file: one that leaves something open after its tests would keep its process, and with it
 * the whole run, waiting for ever. It fails instead and says what it left.
 */
import { after } from 'node:test';

const GRACE_MS = 20_000;

after(() => {
  // Unreferenced: it fires only where something else keeps the process alive.
  setTimeout(() => {
    process.stderr.write(`left open after the last test: ${process.getActiveResourcesInfo().join(', ')}\n`);
    process.exit(1);
  }, GRACE_MS).unref();
});
