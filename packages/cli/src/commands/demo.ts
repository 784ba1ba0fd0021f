import type { CommandContext } from '../command-context.ts';

export async function demo(
  _context: Omit<CommandContext, 'home'>,
  _options: { home?: string | undefined; provider?: string; model?: string; keep?: boolean },
): Promise<number> {
  return 1;
}
