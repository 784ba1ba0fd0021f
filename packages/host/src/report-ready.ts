import { closeSync, fstatSync, writeSync } from 'node:fs';
import type { PartReport } from '@openlegion/contract/process-protocol';

const REPORT_FD = 3;

/** Tells the supervisor, once; where there is none (run by hand), standard error. */
export function reportToSupervisor(report: PartReport): void {
  const line = `${JSON.stringify(report)}\n`;
  if (!isGiven(REPORT_FD)) {
    writeSync(2, line);
    return;
  }
  writeSync(REPORT_FD, line);
  closeSync(REPORT_FD);
}

/** A descriptor of our parent's, not one that the runtime opened for itself under this number. */
function isGiven(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isSocket() || stat.isFile();
  } catch {
    return false;
  }
}
