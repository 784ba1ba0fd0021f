/*
 * server → connect → list → pins (host) → bounded, sanitised, named → offered
 *             ↑         ↑
 *        once a message │ once a message, and when the server says that its tools changed
 */
import type { McpServerConfig } from '@openlegion/contract/agents-config';
import { frame, joinText, ours, type PromptText } from '../prompt/prompt-text.ts';
import type { ToolSource } from '../skills/extra-tools.ts';
import type { AskPins } from './ask-pins.ts';
import type { McpConnection } from './connect-server.ts';
import { type OfferedServer, offerTools } from './offer-tools.ts';

/** How long a round waits for servers that are not ready; it then goes on without them. */
const WAIT_MS = 20_000;
const MAX_PROBLEMS_SHOWN = 10;
const MESSAGES_KEPT = 20;

const NOTHING: OfferedServer = { tools: [], problems: [], waiting: false };

interface Server {
  config: McpServerConfig;
  connection: McpConnection | null;
  offered: OfferedServer;
  /** The newest messages that it was listed, or tried, for: a helper's turn goes on beside the one that began it. */
  askedFor: string[];
  working: Promise<void> | null;
}

/**
 * The tools of an agent's MCP servers. Servers are started with the first round that could use them, and live as long as
 * the agent. One that fails, hangs or says nonsense costs its own tools alone: the prompt says what is missing and why.
 */
export function createMcpSource(options: {
  servers: readonly McpServerConfig[];
  connect: (server: McpServerConfig, signal: AbortSignal) => Promise<McpConnection>;
  askPins: AskPins;
  /** A new message has come. */
  onMessage: () => void;
  log: (error: unknown) => void;
  /** Resolves after so many milliseconds, or when the signal aborts. */
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
}): ToolSource {
  const { connect, askPins, log } = options;
  const names = options.servers.map(({ name }) => name);
  const servers: Server[] = options.servers.map((config) => ({
    config,
    connection: null,
    offered: NOTHING,
    askedFor: [],
    working: null,
  }));
  const known: string[] = [];

  async function ready(server: Server, signal: AbortSignal): Promise<void> {
    const { name } = server.config;
    try {
      if (server.connection?.over() != null) server.connection = null;
      server.connection ??= await connect(server.config, signal);
      server.connection.takeChanged();
      const listed = await server.connection.list(signal);
      server.offered = await offerTools({
        server: name,
        servers: names,
        listed,
        askPins,
        connection: server.connection,
      });
    } catch (error) {
      log(error);
      const over = server.connection?.over();
      const why = over ?? (error instanceof Error ? error.message : String(error));
      server.offered = { ...NOTHING, problems: [why.slice(0, 500)] };
      await server.connection?.close().catch(log);
      server.connection = null;
    }
  }

  function begin(server: Server, messageId: string): void {
    if (server.working !== null) return;
    const over = server.connection !== null && server.connection.over() !== null;
    const due = !server.askedFor.includes(messageId) || over || server.connection?.takeChanged() === true;
    if (!due) return;
    server.askedFor = [messageId, ...server.askedFor].slice(0, MESSAGES_KEPT);
    server.working = ready(server, new AbortController().signal).finally(() => {
      server.working = null;
    });
  }

  return {
    async refresh({ messageId, signal }) {
      if (!known.includes(messageId)) {
        known.unshift(messageId);
        known.length = Math.min(known.length, MESSAGES_KEPT);
        options.onMessage();
      }
      for (const server of servers) begin(server, messageId);
      const working = servers.flatMap((server) => server.working ?? []);
      if (working.length > 0) {
        const done = new AbortController();
        const enough = signal === undefined ? done.signal : AbortSignal.any([done.signal, signal]);
        await Promise.race([Promise.all(working), options.wait(WAIT_MS, enough)]);
        done.abort();
      }
      return { tools: servers.flatMap(({ offered }) => offered.tools), prompt: describe(servers) };
    },
  };
}

function describe(servers: readonly Server[]): PromptText {
  const lines = servers.flatMap(({ config, offered, working }) => {
    if (working !== null && offered.tools.length === 0) return [`- ${config.name}: it is being started`];
    const shown = offered.problems.slice(0, MAX_PROBLEMS_SHOWN);
    const more = offered.problems.length - shown.length;
    return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].map(
      (problem) => `- ${config.name}: ${problem}`,
    );
  });
  if (lines.length === 0) return ours``;
  return joinText([ours`Of your MCP servers this cannot be used now:`, frame('skills', lines.join('\n'))]);
}
