import { readdirSync, readFileSync } from 'node:fs';

/** Chromium's main process, by the profile below `directory` that it was started with. */
export function chromiumPids(directory: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return command.includes(`--user-data-dir=${directory}/`) && !command.includes('--type=');
      } catch {
        return false;
      }
    })
    .map(Number);
}
