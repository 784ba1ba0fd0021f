import type { CommandContext } from '../command-context.ts';
import { reloadConfiguration } from '../control/reload-configuration.ts';

/** Puts in force what was edited by hand. */
export async function reload({ home, terminal }: CommandContext): Promise<number> {
  const { changed, restarted } = await reloadConfiguration(home);
  const again = restarted.length > 0 ? `; restarted: ${restarted.join(', ')}` : '';
  terminal.line(changed.length === 0 ? 'Nothing has changed.' : `In effect: ${changed.join(', ')}${again}.`);
  return 0;
}
