import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { PinnedTools } from '@openlegion/contract/tool-pins';
import { z } from 'zod';
import type { CommandContext } from '../command-context.ts';
import { lineDiff } from '../configuration/line-diff.ts';
import { createControlClient } from '../control/control-client.ts';
import { confirm } from '../terminal/confirm.ts';
import { oneLine, safeText } from '../terminal/safe-text.ts';
import { formatTable } from '../terminal/table.ts';

type Tool = PinnedTools['tools'][number];

export async function mcpList(
  { home, terminal }: CommandContext,
  { json }: { json: boolean },
): Promise<number> {
  const { tools } = await pinnedTools(home);
  if (json) terminal.line(JSON.stringify(tools, null, 2));
  else if (tools.length === 0)
    terminal.line(
      'No agent has reported tools of an MCP server yet; they do with their first message. What keeps a server from starting is told to its agent: ask it.',
    );
  else
    terminal.line(
      formatTable([
        ['AGENT', 'SERVER', 'TOOL', 'STATE', 'SINCE'],
        ...tools.map(({ agent, server, name, state, since }) => [
          agent,
          server,
          oneLine(name, 60),
          state === 'pinned' ? 'held to what it was' : `${state.toUpperCase()}: waits for a yes`,
          since,
        ]),
      ]),
    );
  return 0;
}

/** Shows each definition as it is now against the one that holds, and approves exactly what was shown. */
export async function mcpApprove(
  { home, terminal }: CommandContext,
  { agent, server, tool, yes }: { agent: string; server: string; tool?: string; yes: boolean },
): Promise<number> {
  const { tools } = await pinnedTools(home);
  const waiting = tools.filter(
    (one) =>
      one.agent === agent && one.server === server && one.now !== null && (tool ?? one.name) === one.name,
  );
  if (waiting.length === 0)
    throw new OpenLegionError({
      code: 'not_found',
      rule: 'cli.mcp',
      message: 'Nothing of that waits for a yes.',
      remedy: 'See what does with ./openlegion mcp list.',
    });
  let declined = 0;
  for (const one of waiting) {
    terminal.line(`${one.server}: ${oneLine(one.name, 80)} (${one.state}), as the server says it:`);
    for (const line of difference(one))
      terminal.line(terminal.style(line.startsWith('-') ? 'red' : 'green', `  ${line}`));
    if (!(await confirm(terminal, 'Let the agent use it as it is shown?', yes))) {
      declined += 1;
      continue;
    }
    await createControlClient(home).json(z.object({}), {
      method: 'POST',
      path: '/api/mcp/tools/approve',
      json: { agent, server, name: one.name, hash: one.hash },
    });
    terminal.line('Approved; it takes effect with the next message.');
  }
  return declined === 0 ? 0 : 1;
}

function difference({ pinned, now }: Tool): string[] {
  return lineDiff(readable(pinned), readable(now));
}

/** Line by line, and with nothing in it that cannot be seen. */
function readable(definition: string | null): string {
  if (definition === null) return '';
  try {
    return safeText(JSON.stringify(JSON.parse(definition), null, 2));
  } catch {
    // An agent can report what is no JSON: shown as it is.
    return safeText(definition);
  }
}

function pinnedTools(home: string): Promise<PinnedTools> {
  return createControlClient(home).json(PinnedTools, { method: 'GET', path: '/api/mcp/tools' });
}
