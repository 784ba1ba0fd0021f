import { z } from 'zod';
import { type AnyTool, defineTool, type ToolContext } from '../tools/tool.ts';
import type { Subagent, Subagents } from './create-subagents.ts';
import { SUBAGENT_LIMITS } from './limits.ts';

const MAX_WAIT_S = SUBAGENT_LIMITS.lifetimeMs / 1000;

export function createListSubagents(subagents: Subagents): AnyTool {
  return defineTool({
    name: 'list_subagents',
    description: 'Show your helpers: what each does, and the answer of those that have ended.',
    schema: z.strictObject({
      wait_s: z.int().min(0).max(MAX_WAIT_S).default(0).describe('Seconds to wait until all have ended.'),
    }),
    timeoutMs: SUBAGENT_LIMITS.lifetimeMs + 10_000,
    run: async ({ wait_s }, { signal }) => {
      if (wait_s > 0) await waitFor(subagents.list(), wait_s, signal);
      const lines = subagents.list().map(show);
      return { outcome: 'ok', output: lines.join('\n\n') || 'there are none' };
    },
  });
}

async function waitFor(all: readonly Subagent[], seconds: number, signal: ToolContext['signal']) {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, seconds * 1000);
  signal.addEventListener('abort', () => over.resolve(), { once: true });
  await Promise.race([Promise.all(all.map(({ ended }) => ended)), over.promise]);
  clearTimeout(timer);
}

function show({ id, task, state, result }: Subagent): string {
  const answer = result === '' ? '' : `\n${result.slice(0, SUBAGENT_LIMITS.listedChars)}`;
  return `${id} (${state}): ${task.replaceAll(/\s+/g, ' ').slice(0, 200)}${answer}`;
}
