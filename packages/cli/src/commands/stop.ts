import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandContext } from '../command-context.ts';
import { removeSupervisorFile, runningSupervisor } from '../supervisor/supervisor-file.ts';

const PATIENCE_MS = 70_000;

/** Stops the fleet and waits until everything of it has ended. Stopping what does not run is no error. */
export async function stop({ home, terminal }: CommandContext): Promise<number> {
  const running = runningSupervisor(home);
  if (!running) {
    terminal.line(`OpenLegion is not running for ${home}.`);
    return 0;
  }
  process.kill(running.pid, 'SIGTERM');
  const deadline = performance.now() + PATIENCE_MS;
  while (isAlive(running.pid)) {
    if (performance.now() > deadline) {
      // Its parts stop when their lifeline ends.
      process.kill(running.pid, 'SIGKILL');
      removeSupervisorFile(home);
      terminal.errorLine(
        `It did not stop in ${PATIENCE_MS / 1000} s and was killed; its parts end by themselves.`,
      );
      return 1;
    }
    await delay(50);
  }
  terminal.line('Stopped.');
  return 0;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return process.platform !== 'linux';
  }
}
