/**
 * Loaded before the tests of a process: one that leaves something open after them, or hangs where no test's own limit
 * sees it, would keep the whole run waiting for ever. It fails instead and says what is open.
 */
import { after } from 'node:test';

const GRACE_MS = 20_000;
const LONGEST_MS = 15 * 60_000;

endUnlessDone(LONGEST_MS);
after(() => endUnlessDone(GRACE_MS));

/** Unreferenced: it fires only where something else keeps the process alive. */
function endUnlessDone(ms: number): void {
  setTimeout(() => {
    process.stderr.write(`still open after ${ms / 1000} s: ${process.getActiveResourcesInfo().join(', ')}\n`);
    process.exit(1);
  }, ms).unref();
}
