import { createHash } from 'node:crypto';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type {
  ApproveTool,
  PinnedTools,
  PinState,
  ReportTools,
  ToolPins,
} from '@openlegion/contract/tool-pins';
import type { AuditLog } from '../audit/audit-log.ts';
import { type Clock, isoTime } from '../clock.ts';
import type { AgentSettings } from '../config/fleet-config.ts';
import type { Database, Transaction } from '../store/database.ts';
import { type Row, textOf, textOrNull } from '../store/row.ts';

/**
 * What the tools of agents' MCP servers are held to. The first report of a server is taken as it is; from then on a tool
 * that is new, or is not what it was, waits for a person's yes to exactly what it says now. All that is known here is
 * what agents report, each for itself: an agent that lies deceives nobody but its own model.
 */
export interface McpToolPins {
  /** Throws `not_found` for a server that the agent was not given. */
  report(agent: AgentSettings, report: ReportTools): Promise<ToolPins>;
  list(): PinnedTools;
  /** Throws `not_found` where nothing waits under this name, `conflict` where it is no longer what was shown. */
  approve(approval: ApproveTool, by: string): Promise<void>;
}

export function createToolPins(parts: { database: Database; audit: AuditLog; clock: Clock }): McpToolPins {
  const { database, audit, clock } = parts;

  function takeReport(
    transaction: Transaction,
    agent: AgentSettings,
    { server, tools }: ReportTools,
  ): ToolPins['tools'] {
    forget(transaction, agent);
    const known = new Map(
      transaction
        .all('SELECT * FROM tool_pin WHERE agent = ? AND server = ?', agent.name, server)
        .map((row) => [textOf(row, 'tool'), row]),
    );
    const first = known.size === 0;
    const now = isoTime(clock);
    const news: string[] = [];
    const states = tools.map(({ name, definition }) => {
      const row = known.get(name);
      const pinned = row === undefined ? (first ? definition : null) : textOrNull(row, 'pinned');
      const waits = pinned === definition ? null : definition;
      const state = stateOf(pinned, waits);
      const before = row === undefined ? undefined : textOrNull(row, 'now');
      if (row === undefined || before !== waits) {
        if (waits !== null) news.push(`${name} (${state})`);
        transaction.run(
          'INSERT OR REPLACE INTO tool_pin (agent, server, tool, pinned, now, since) VALUES (?, ?, ?, ?, ?, ?)',
          ...[agent.name, server, name, pinned, waits, now],
        );
      }
      return { name, state };
    });
    // What was never approved and is no longer said need not be kept: names made up without end take no room.
    for (const [name, row] of known)
      if (row.pinned === null && !tools.some((tool) => tool.name === name))
        transaction.run(
          'DELETE FROM tool_pin WHERE agent = ? AND server = ? AND tool = ?',
          agent.name,
          server,
          name,
        );
    if (first && states.length > 0)
      note(transaction, 'mcp.pinned', agent.name, { server, tools: states.length });
    const changed = { server, tools: news.join(', ').slice(0, 1000), count: news.length };
    if (news.length > 0) note(transaction, 'mcp.tools_changed', agent.name, changed);
    return states;
  }

  return {
    async report(agent, report) {
      const { server } = report;
      if (!agent.mcp_servers.some(({ name }) => name === server))
        throw new OpenLegionError({
          code: 'not_found',
          rule: 'mcp.server',
          message: `The MCP server ${server} was not given to this agent.`,
          remedy: 'An operator adds it to mcp_servers of the agent in config/agents.yaml.',
        });
      return { tools: await database.write((transaction) => takeReport(transaction, agent, report)) };
    },

    list: () => ({
      tools: database.all('SELECT * FROM tool_pin ORDER BY agent, server, tool').map((row) => {
        const pinned = textOrNull(row, 'pinned');
        const now = textOrNull(row, 'now');
        return {
          agent: textOf(row, 'agent'),
          server: textOf(row, 'server'),
          name: textOf(row, 'tool'),
          state: stateOf(pinned, now),
          pinned,
          now,
          hash: digest(now ?? pinned ?? ''),
          since: textOf(row, 'since'),
        };
      }),
    }),

    async approve({ agent, server, name, hash }, by) {
      const key = [agent, server, name] as const;
      await database.write((transaction) => {
        const row = transaction.get(
          'SELECT * FROM tool_pin WHERE agent = ? AND server = ? AND tool = ?',
          ...key,
        );
        const now = row === undefined ? null : textOrNull(row, 'now');
        if (now === null) throw nothingWaits(server, name);
        if (digest(now) !== hash) throw changedAgain(server, name);
        transaction.run(
          'UPDATE tool_pin SET pinned = now, now = NULL, since = ? WHERE agent = ? AND server = ? AND tool = ?',
          isoTime(clock),
          ...key,
        );
        note(transaction, 'mcp.approved', agent, { server, tool: name.slice(0, 200), hash }, by);
      });
    },
  };

  function note(
    transaction: Transaction,
    type: string,
    agent: string,
    detail: Record<string, string | number>,
    by = 'host',
  ): void {
    audit.append(transaction, { type, actor: by, subject: agent, detail });
  }
}

/** Servers that the agent no longer has: under the same name another one starts anew. */
function forget(transaction: Transaction, { name, mcp_servers }: AgentSettings): void {
  const has = new Set(mcp_servers.map((server) => server.name));
  for (const row of transaction.all('SELECT DISTINCT server FROM tool_pin WHERE agent = ?', name))
    if (!has.has(textOf(row, 'server')))
      transaction.run('DELETE FROM tool_pin WHERE agent = ? AND server = ?', name, textOf(row, 'server'));
}

function stateOf(pinned: Row[string] | null, now: string | null): PinState {
  if (now === null) return 'pinned';
  return pinned === null ? 'new' : 'changed';
}

function digest(definition: string): string {
  return createHash('sha256').update(definition).digest('hex');
}

function nothingWaits(server: string, tool: string): OpenLegionError {
  return new OpenLegionError({
    code: 'not_found',
    rule: 'mcp.tool',
    message: `No tool ${JSON.stringify(tool.slice(0, 100))} of ${server} waits for a yes.`,
    remedy: 'See what waits with ./openlegion mcp list.',
  });
}

function changedAgain(server: string, tool: string): OpenLegionError {
  return new OpenLegionError({
    code: 'conflict',
    rule: 'mcp.tool',
    message: `${JSON.stringify(tool.slice(0, 100))} of ${server} is not what you were shown: it changed again.`,
    remedy: 'Look at it anew with ./openlegion mcp approve.',
  });
}
