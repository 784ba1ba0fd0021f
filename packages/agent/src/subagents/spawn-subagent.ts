import { z } from 'zod';
import { type AnyTool, defineTool } from '../tools/tool.ts';
import { resultOf, type Subagents } from './create-subagents.ts';
import { SUBAGENT_LIMITS } from './limits.ts';

export function createSpawnSubagent(subagents: Subagents): AnyTool {
  return defineTool({
    name: 'spawn_subagent',
    description: `Give a task to a helper within yourself, which has your tools and files but knows nothing of this conversation: say everything it needs. At most ${SUBAGENT_LIMITS.atOnce} at once, ${SUBAGENT_LIMITS.lifetimeMs / 1000} seconds each; what it spends is yours. Several calls in one answer work at the same time.`,
    schema: z.strictObject({
      task: z.string().min(1).max(32_000),
      wait: z
        .boolean()
        .default(true)
        .describe(
          'True: its answer is the result of this call. False: go on; list_subagents shows its answer.',
        ),
    }),
    timeoutMs: SUBAGENT_LIMITS.lifetimeMs + 10_000,
    run: async ({ task, wait }, context) => {
      const started = subagents.start(task, context);
      if ('refused' in started) return { outcome: 'refused', output: `not started: ${started.refused}` };
      if (!wait) return { outcome: 'ok', output: `${started.id} has begun` };
      await started.ended;
      return resultOf(started);
    },
  });
}
