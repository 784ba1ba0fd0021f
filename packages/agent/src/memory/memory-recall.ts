import { z } from 'zod';
import { type AnyTool, defineTool } from '../tools/tool.ts';
import type { Memory } from './memory.ts';
import { renderFacts } from './render-facts.ts';

/** Facts by what they are about, or by meaning among them. */
export function createMemoryRecall(memory: () => Promise<Memory>): AnyTool {
  return defineTool({
    name: 'memory_recall',
    description:
      'Recall remembered facts of a category, scope or key, the newest first; with a query, those that fit it best, of the category or scope first.',
    schema: z
      .strictObject({
        query: z.string().max(2000).default(''),
        category: z.string().max(60).default(''),
        scope: z.string().max(100).default(''),
        key: z.string().max(100).default(''),
        limit: z.int().min(1).max(50).default(10),
      })
      .refine((asked) => `${asked.query}${asked.category}${asked.scope}${asked.key}`.trim() !== '', {
        error: 'say a query, category, scope or key',
      }),
    run: async ({ query, ...about }, { signal }) => {
      const opened = await memory();
      if (query.trim() === '') {
        return { outcome: 'ok', output: renderFacts(opened.list(about)) || 'nothing is remembered of it' };
      }
      const { facts, notice } = await opened.recall(query, { ...about, signal });
      return { outcome: 'ok', output: withNotice(renderFacts(facts) || 'nothing fits', notice) };
    },
  });
}

/** What was found, and why it may be less than there is. */
export function withNotice(found: string, notice: string | undefined): string {
  return notice === undefined ? found : `${found}\n(searched by words alone: ${notice})`;
}
