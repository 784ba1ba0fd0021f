import type { Command } from 'commander';
import type { RunCommand } from '../command-context.ts';

/** `openlegion workspace …` */
export function registerWorkspace(program: Command, run: RunCommand): void {
  const workspace = program.command('workspace').description("the files of an agent's workspace");
  const load = () => import('./workspace.ts');
  workspace
    .command('list <agent>')
    .description('show the files')
    .option('--json', 'as JSON')
    .action((agent, options) =>
      run(async (context) => (await load()).workspaceList(context, agent, options.json === true)),
    );
  workspace
    .command('get <agent> <file>')
    .description('write a file to standard output')
    .action((agent, file) => run(async (context) => (await load()).workspaceGet(context, agent, file)));
  workspace
    .command('put <agent> <file>')
    .description('replace a file by standard input; AGENTS.md, SOUL.md and USER.md instruct the agent')
    .action((agent, file) => run(async (context) => (await load()).workspacePut(context, agent, file)));
}
