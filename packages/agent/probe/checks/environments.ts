import { readFileSync } from 'node:fs';
import { attempt } from './error-code.ts';
import { processIds } from './processes.ts';

/** The environment and command line of every process, whole, at most 64 KB each. */
export function readEnvironments(): {
  processes: { pid: number; environ: string[] | string; cmdline: string }[];
} {
  return {
    processes: processIds().map((pid) => ({
      pid,
      environ: strings(`/proc/${pid}/environ`),
      cmdline: [strings(`/proc/${pid}/cmdline`)].flat().join(' '),
    })),
  };
}

function strings(path: string): string[] | string {
  return attempt(() => readFileSync(path, 'latin1').slice(0, 65_536).split('\0').filter(Boolean));
}
