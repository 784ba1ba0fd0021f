import type { PinState } from '@openlegion/contract/tool-pins';
import { z } from 'zod';
import type { ExtraTool } from '../skills/extra-tools.ts';
import { defineTool } from '../tools/tool.ts';
import type { AskPins } from './ask-pins.ts';
import { boundDefinition } from './bound-definition.ts';
import { canonicalDefinition } from './canonical-definition.ts';
import { CALL_MS, type McpConnection, type ServerTool } from './connect-server.ts';
import { nameMcpTool } from './name-tool.ts';

export interface OfferedServer {
  tools: ExtraTool[];
  /** What the server has and is not offered, with why. */
  problems: string[];
  /** Whether an operator's yes would change something. */
  waiting: boolean;
}

/**
 * The tools of one server that may be offered: those whose definition is the one that holds at the host, bounded and
 * sanitised. Where the host says nothing of them, none is.
 */
export async function offerTools(options: {
  server: string;
  servers: readonly string[];
  listed: { tools: readonly ServerTool[]; left: boolean };
  askPins: AskPins;
  connection: McpConnection;
}): Promise<OfferedServer> {
  const { server, servers, listed, askPins, connection } = options;
  const problems = listed.left ? ['it has more tools than are taken'] : [];
  const usable: { tool: ServerTool; definition: string; extra: ExtraTool }[] = [];
  for (const tool of listed.tools) {
    const shown = JSON.stringify(tool.name.slice(0, 60).replaceAll(/[^\x20-\x7e]/g, '?'));
    const definition = canonicalDefinition(tool);
    const name = nameMcpTool(server, tool.name, servers);
    const bounded = boundDefinition(tool.description, tool.inputSchema);
    if (definition === null) problems.push(`${shown}: its definition is too large`);
    else if (name === null) problems.push(`${shown}: its name is one of another server's`);
    else if (!bounded.ok) problems.push(`${shown}: ${bounded.problem}`);
    else usable.push({ tool, definition, extra: extraTool(name, tool.name, server, bounded, connection) });
  }
  const pins =
    usable.length === 0
      ? new Map<string, PinState>()
      : await askPins({
          server,
          tools: usable.map(({ tool, definition }) => ({ name: tool.name, definition })),
        });
  const tools: ExtraTool[] = [];
  let waiting = false;
  for (const { tool, extra } of usable) {
    const state = pins.get(tool.name);
    if (state === 'pinned') {
      tools.push(extra);
      continue;
    }
    waiting = true;
    const why = { changed: 'it is not what it was', new: 'it is new' }[state ?? 'new'];
    problems.push(`${extra.tool.name}: ${why}, and waits for the operator (openlegion mcp approve)`);
  }
  return { tools, problems, waiting };
}

function extraTool(
  name: string,
  tool: string,
  server: string,
  { description, inputSchema }: { description: string; inputSchema: Record<string, unknown> },
  connection: McpConnection,
): ExtraTool {
  // Whose words these are comes first: nothing in them speaks for the agent.
  const told = `Tool of the MCP server ${server}, in its words: ${description}`;
  return {
    tool: defineTool({
      name,
      description: told,
      schema: z.record(z.string(), z.unknown()),
      timeoutMs: CALL_MS + 5000,
      run: (input, { signal }) => connection.call(tool, input, signal),
    }),
    definition: { name, description: told, inputSchema },
  };
}
