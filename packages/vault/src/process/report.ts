import { closeSync, fstatSync, writeSync } from 'node:fs';
import type { PartReport } from '@openlegion/contract/process-protocol';

const REPORT_FD = 3;

/** Writes the one line on fd 3 and closes it; where no fd 3 was given, the line goes to standard error. Call once. */
export function reportToSupervisor(report: PartReport): void {
  const line = `${JSON.stringify(report)}\n`;
  if (isGiven(REPORT_FD)) {
    writeSync(REPORT_FD, line);
    closeSync(REPORT_FD);
  } else {
    writeSync(2, line);
  }
}

/** True for a pipe, socket or file of our parent's; false for nothing at all or an event queue of the runtime's. */
export function isGiven(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isSocket() || stat.isFile();
  } catch {
    return false;
  }
}
