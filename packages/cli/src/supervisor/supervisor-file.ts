import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dataPaths } from '@openlegion/contract/installation';
import { z } from 'zod';

/** `data/supervisor.json`. `port` is 0 until the host listens. */
export const SupervisorFile = z.object({
  pid: z.int().positive(),
  port: z.int().min(0).max(65_535),
  run: z.string(),
  startedAt: z.string(),
  vaultHasOwnUids: z.boolean().default(false),
});
export type SupervisorFile = z.infer<typeof SupervisorFile>;

/** What it says, or null when there is none (or it is not one of ours). It may be left over: see `runningSupervisor`. */
export function readSupervisorFile(home: string): SupervisorFile | null {
  try {
    const parsed = SupervisorFile.safeParse(JSON.parse(readFileSync(dataPaths(home).supervisor, 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** Replaces it in one step, so that no reader sees half of it. */
export function writeSupervisorFile(home: string, file: SupervisorFile): void {
  const path = dataPaths(home).supervisor;
  writeFileSync(`${path}.new`, `${JSON.stringify(file)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export function removeSupervisorFile(home: string): void {
  rmSync(dataPaths(home).supervisor, { force: true });
}

/** The supervisor that runs for `home`, or null. A number that now belongs to another program does not count. */
export function runningSupervisor(home: string): SupervisorFile | null {
  const file = readSupervisorFile(home);
  return file && isSupervisor(file.pid) ? file : null;
}

function isSupervisor(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('supervisor');
  } catch {
    // No /proc on this system: the number is all there is to go by.
    return process.platform !== 'linux';
  }
}
