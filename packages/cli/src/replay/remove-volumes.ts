import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PROGRAMS } from '../programs.ts';

/** Removes what the agents of an installation kept, by the host's own program for it. Says nothing when it cannot. */
export async function removeVolumes(home: string): Promise<void> {
  const child = spawn(process.execPath, [PROGRAMS.removeVolumes, home], { stdio: 'ignore' });
  await Promise.race([once(child, 'exit'), once(child, 'error')]);
}
