import type { ReceivedMessage } from '../history/create-history.ts';
import type { PromptText } from '../prompt/prompt-text.ts';
import type { ToolSource } from '../skills/extra-tools.ts';
import { isGranted } from '../skills/is-granted.ts';
import { SUBAGENT_LIMITS, WITHHELD_FROM_SUBAGENTS } from '../subagents/limits.ts';
import type { OfferedTools } from '../tools/define-tools.ts';

/** What a turn may use as of now, and what the system prompt says of it. */
export interface Offer extends OfferedTools {
  sections: readonly PromptText[];
}

export type OfferTools = (message: ReceivedMessage) => Promise<Offer>;

/**
 * The agent's own tools, then those of `sources` (skills, MCP servers) that it is granted; an own tool's name is
 * never another's. A helper within the agent is offered less. Agent-enforced.
 */
export function createOfferTools(parts: {
  own: OfferedTools;
  sources: readonly ToolSource[];
  granted: readonly string[];
  /** Of the turn of this message: 0, unless a helper's. */
  depthOf: (messageId: string) => number;
}): OfferTools {
  const { own, sources, granted } = parts;
  return async ({ messageId }) => {
    const depth = parts.depthOf(messageId);
    const may = (name: string) =>
      depth === 0 ||
      (!WITHHELD_FROM_SUBAGENTS.has(name) && (name !== 'spawn_subagent' || depth < SUBAGENT_LIMITS.depth));
    const extras = await Promise.all(sources.map((source) => source.refresh({ messageId })));
    const tools = new Map([...own.tools].filter(([name]) => may(name)));
    const definitions = own.definitions.filter(({ name }) => may(name));
    for (const { tool, definition } of extras.flatMap((extra) => extra.tools)) {
      const taken = own.tools.has(tool.name) || own.withheld.has(tool.name) || tools.has(tool.name);
      if (taken || !may(tool.name) || !isGranted(granted, tool.name)) continue;
      tools.set(tool.name, tool);
      definitions.push(definition);
    }
    return { tools, definitions, withheld: own.withheld, sections: extras.map(({ prompt }) => prompt) };
  };
}
