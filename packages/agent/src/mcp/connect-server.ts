import {
  Client,
  type jsonSchemaValidator,
  StreamableHTTPClientTransport,
  type Transport,
} from '@modelcontextprotocol/client';
import type { McpServerConfig } from '@openlegion/contract/agents-config';
import { z } from 'zod';
import type { ToolResult } from '../tools/tool.ts';
import { AGENT_VERSION } from '../version.ts';
import type { AnswerElicitation } from './answer-elicitation.ts';
import type { AnswerSampling } from './answer-sampling.ts';
import { CallResult, renderResult } from './render-result.ts';
import { createStdioTransport, type StdioTransport } from './stdio-transport.ts';

/** Long enough for a program that npx has yet to install. */
export const CONNECT_MS = 180_000;
const LIST_MS = 20_000;
export const CALL_MS = 120_000;
const MAX_PAGES = 20;
export const MAX_TOOLS = 128;

/** A tool as its server says it; nothing of it was looked at but that it has a name. */
export interface ServerTool {
  name: string;
  description: unknown;
  inputSchema: unknown;
}

export interface McpConnection {
  /** At most 128 tools; `left` is how many more there were. */
  list(signal: AbortSignal): Promise<{ tools: ServerTool[]; left: boolean }>;
  call(tool: string, input: Record<string, unknown>, signal: AbortSignal): Promise<ToolResult>;
  /** Whether the server said that its tools changed, since this was last asked. */
  takeChanged(): boolean;
  /** Why it can be used no longer; null while it can. */
  over(): string | null;
  close(): Promise<void>;
}

export interface ConnectParts {
  workspace: string;
  environment: NodeJS.ProcessEnv;
  fetch: (url: string | URL, init?: RequestInit) => Promise<Response>;
  /** Of servers that are granted it. */
  sampling: AnswerSampling;
  elicitation: AnswerElicitation;
}

const ListResult = z.looseObject({
  tools: z.array(z.unknown()),
  nextCursor: z.string().max(4000).optional(),
});
const NamedTool = z.looseObject({
  name: z.string().min(1).max(200),
  description: z.unknown().optional(),
  inputSchema: z.unknown().optional(),
});

/**
 * Connects to one server. What it may ask of us is nothing, unless its configuration grants it sampling or elicitation: a request for
 * anything else is answered as a method that there is not. Rejects with why in words for the model.
 */
export async function connectServer(
  server: McpServerConfig,
  parts: ConnectParts,
  signal: AbortSignal,
): Promise<McpConnection> {
  const { transport, stdio } = transportOf(server, parts);
  const client = new Client(
    { name: 'openlegion', version: AGENT_VERSION },
    {
      capabilities: {
        ...(server.sampling ? { sampling: {} } : {}),
        ...(server.elicitation ? { elicitation: { form: {} } } : {}),
      },
      jsonSchemaValidator: NO_VALIDATOR,
    },
  );
  let changed = false;
  let closed: string | null = null;
  client.onerror = () => {};
  client.onclose = () => {
    closed ??= stdio?.failure() ?? 'it closed the connection';
  };
  client.setNotificationHandler('notifications/tools/list_changed', async () => {
    changed = true;
  });
  if (server.sampling)
    client.setRequestHandler('sampling/createMessage', ({ params }) => parts.sampling(server.name, params));
  if (server.elicitation)
    client.setRequestHandler('elicitation/create', ({ params }) => parts.elicitation(server.name, params));
  try {
    await client.connect(transport, { timeout: CONNECT_MS, signal });
  } catch (error) {
    await client.close().catch(() => {});
    throw new Error(stdio?.failure() ?? reasonOf(error), { cause: error });
  }
  const over = () => stdio?.failure() ?? closed;
  return {
    async list(listSignal) {
      const tools = new Map<string, ServerTool>();
      let cursor: string | undefined;
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const answer = await client.request(
          { method: 'tools/list', ...(cursor === undefined ? {} : { params: { cursor } }) },
          ListResult,
          { timeout: LIST_MS, signal: listSignal },
        );
        for (const raw of answer.tools) {
          const tool = NamedTool.safeParse(raw);
          if (!tool.success || tools.has(tool.data.name)) continue;
          if (tools.size >= MAX_TOOLS) return { tools: [...tools.values()], left: true };
          const { name, description, inputSchema } = tool.data;
          tools.set(name, { name, description, inputSchema });
        }
        cursor = answer.nextCursor;
        if (cursor === undefined) return { tools: [...tools.values()], left: false };
      }
      return { tools: [...tools.values()], left: true };
    },
    async call(name, input, callSignal) {
      try {
        const answer = await client.request(
          { method: 'tools/call', params: { name, arguments: input } },
          CallResult,
          { timeout: CALL_MS, signal: callSignal },
        );
        return renderResult(answer);
      } catch (error) {
        if (callSignal.aborted) return { outcome: 'cancelled', output: '' };
        return { outcome: 'error', output: `the MCP server ${server.name}: ${over() ?? reasonOf(error)}` };
      }
    },
    takeChanged() {
      const was = changed;
      changed = false;
      return was;
    },
    over,
    close: () => client.close(),
  };
}

function transportOf(
  server: McpServerConfig,
  { workspace, environment, fetch }: ConnectParts,
): { transport: Transport; stdio?: StdioTransport } {
  if (server.url !== undefined)
    return { transport: new StreamableHTTPClientTransport(new URL(server.url), { fetch }) };
  const stdio = createStdioTransport({
    command: server.command ?? '',
    args: server.args,
    environment: { ...environment, ...server.env },
    directory: workspace,
  });
  return { transport: stdio, stdio };
}

/** Schemas of servers are never run: no result is checked against one here. */
const NO_VALIDATOR: jsonSchemaValidator = {
  getValidator: () => () => ({ valid: false, data: undefined, errorMessage: 'not checked' }),
};

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.slice(0, 500);
}
