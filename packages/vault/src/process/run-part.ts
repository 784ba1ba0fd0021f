import { describeCrash } from './crash-report.ts';
import { reportToSupervisor } from './report.ts';
import { VaultError } from './vault-error.ts';

/** For faults of our own: what may be printed of them goes to the part's log. */
export function printFault(error: unknown): void {
  process.stderr.write(`${describeCrash(error)}\n`);
}

/**
 * Runs the `main` of one of the vault's processes. It ends, with a report to the supervisor where it has not started
 * yet, on whatever is thrown anywhere: a part in an unknown state is started again, never gone on with.
 */
export async function runPart(name: 'keeper' | 'gateway', main: () => Promise<void>): Promise<void> {
  const crash = (error: unknown): never => {
    printFault(error);
    process.exit(1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  try {
    await main();
    reportToSupervisor({ ready: true, detail: { pid: process.pid, uid: process.getuid?.() ?? 0 } });
  } catch (error) {
    if (!(error instanceof VaultError)) printFault(error);
    const unknown = { message: `The ${name} could not start.`, remedy: `See the log of the ${name}.` };
    const { message, remedy } = error instanceof VaultError ? error : unknown;
    reportToSupervisor({ ready: false, message, remedy });
    process.exit(1);
  }
}
