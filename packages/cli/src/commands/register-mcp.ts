import type { Command } from 'commander';
import type { RunCommand } from '../command-context.ts';

/** `openlegion mcp …` */
export function registerMcp(program: Command, run: RunCommand): void {
  const mcp = program.command('mcp').description('the tools of MCP servers, and what they are held to');
  mcp
    .command('list')
    .description('show the tools that agents reported, and which wait for a yes')
    .option('--json', 'as JSON')
    .action((options) =>
      run(async (context) => {
        const { mcpList } = await import('./mcp.ts');
        return mcpList(context, { json: options.json === true });
      }),
    );
  mcp
    .command('approve <agent> <server> [tool]')
    .description('show what waits, of one tool or of all of a server, and hold it to that from now on')
    .option('--yes', 'agree to what is shown')
    .action((agent, server, tool, options) =>
      run(async (context) => {
        const { mcpApprove } = await import('./mcp.ts');
        return mcpApprove(context, { agent, server, tool, yes: options.yes === true });
      }),
    );
}
