import { z } from 'zod';
import type { ToolDefinition } from '../model/model-stream.ts';
import { type AnyTool, defineTool } from '../tools/tool.ts';
import type { OfferTools } from './offer-tools.ts';

/** More definitions than this in every prompt cost more than a search now and then. */
const MOST_OFFERED = 40;
const MOST_FOUND = 10;
const MOST_NAMED = 200;

/** What most turns need, and so is never searched for. */
const ALWAYS: ReadonlySet<string> = new Set([
  ...['exec', 'read_file', 'write_file', 'edit_file', 'list_files', 'search_files'],
  ...['http_request', 'web_search', 'web_fetch', 'browser_navigate', 'browser_snapshot', 'browser_click'],
  ...['memory_search', 'memory_save', 'memory_recall', 'hand_off', 'list_agents', 'check_inbox'],
  ...['read_shared_state', 'write_shared_state', 'complete_task', 'notify_user', 'introspect', 'read_skill'],
]);

/**
 * Where an agent has many tools, offers those that most turns need, and one to find the others by; what was found is
 * offered from then on. A tool that is not offered can be called all the same: this saves tokens and guards nothing.
 */
export function withToolSearch(offer: OfferTools): OfferTools {
  const found = new Set<string>();
  return async (message) => {
    const all = await offer(message);
    if (all.definitions.length <= MOST_OFFERED) return all;
    const offered = all.definitions.filter(({ name }) => ALWAYS.has(name) || found.has(name));
    const others = all.definitions.filter((definition) => !offered.includes(definition));
    if (others.length === 0) return all;
    const { tool, definition } = createFindTools(others, (name) => found.add(name));
    return {
      ...all,
      tools: new Map([...all.tools, [tool.name, tool]]),
      definitions: [...offered, definition],
    };
  };
}

function createFindTools(
  others: readonly ToolDefinition[],
  note: (name: string) => void,
): { tool: AnyTool; definition: ToolDefinition } {
  const description = `Find more tools: you have ${others.length} that are not listed here. Say what you want to do; what is found you can call from then on.`;
  const schema = z.strictObject({ query: z.string().min(1).max(500) });
  const tool = defineTool({
    name: 'find_tools',
    description,
    schema,
    run: async ({ query }) => {
      const best = rank(query, others).slice(0, MOST_FOUND);
      if (best.length === 0) {
        const names = others.slice(0, MOST_NAMED).map(({ name }) => name);
        return { outcome: 'ok', output: `nothing fits; there are: ${names.join(', ')}` };
      }
      for (const { name } of best) note(name);
      return { outcome: 'ok', output: best.map((one) => `${one.name}: ${one.description}`).join('\n') };
    },
  });
  const { $schema: _dialect, ...inputSchema } = z.toJSONSchema(schema, { io: 'input' });
  return { tool, definition: { name: tool.name, description, inputSchema } };
}

/** By the words that a tool shares with the query, those of its name three times. */
function rank(query: string, tools: readonly ToolDefinition[]): ToolDefinition[] {
  const wanted = new Set(wordsOf(query));
  const hits = (text: string) => wordsOf(text).filter((word) => wanted.has(word)).length;
  return tools
    .map((tool) => ({ tool, score: 3 * hits(tool.name) + hits(tool.description) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ tool }) => tool);
}

/** Without the plural's s, so that "tabs" finds "tab". */
function wordsOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.filter((word) => word.length > 2).map((word) => word.replace(/s$/, ''));
}
