import type { Command } from 'commander';
import type { RunCommand } from '../command-context.ts';
import { linesOption } from './lines-option.ts';

/** `openlegion trace …` */
export function registerTrace(program: Command, run: RunCommand): void {
  const trace = program
    .command('trace')
    .description('what followed from a message: agents, model calls, tools, requests to the outside, costs');
  trace
    .command('list')
    .description('the newest, each in a line')
    .addOption(linesOption('how many', 20))
    .option('--agent <name>', 'those in which this agent took part')
    .option('--json', 'as JSON')
    .action((options) =>
      run(async (context) => {
        const { traceList } = await import('./trace.ts');
        return traceList(context, options);
      }),
    );
  trace
    .command('show [id]')
    .description('one as a tree, with times and costs; of a trace or a message, otherwise the newest')
    .option('--summary', 'what was done how often, instead of the tree')
    .option('--json', 'as JSON')
    .action((id, options) =>
      run(async (context) => {
        const { traceShow } = await import('./trace.ts');
        return traceShow(context, id, options);
      }),
    );
}
