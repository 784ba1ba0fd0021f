import type { Command } from 'commander';
import type { RunCommand } from '../command-context.ts';

/** `openlegion record` and `openlegion replay`. */
export function registerReplay(program: Command, run: RunCommand): void {
  program
    .command('record [trace]')
    .description('write what models answered and tools gave back in a trace (default: the newest) to a file')
    .requiredOption('--out <file>', 'the file; what looks like a key is redacted')
    .action((trace, options) =>
      run(async (context) => {
        const { record } = await import('./replay.ts');
        return record(context, trace, options);
      }),
    );
  program
    .command('replay <file>')
    .description(
      'play a recording on a copy of this fleet with the scripted model; exit code 1 when it now does otherwise',
    )
    .option('--agent <name>', 'the part of one agent alone')
    .option(
      '--workspaces <folder>',
      'files that the agents begin with: a folder with a folder for each agent',
    )
    .option('--step', 'show what was recorded at each step, one after the other')
    .option('--json', 'as JSON')
    .action((file, options) =>
      run(async (context) => {
        const { replay } = await import('./replay.ts');
        return replay(context, file, options);
      }),
    );
}
