import type { Command } from 'commander';
import type { RunCommand } from '../command-context.ts';
import { linesOption } from './lines-option.ts';

/** `openlegion egress …` */
export function registerEgress(program: Command, run: RunCommand): void {
  const egress = program
    .command('egress')
    .description('what agents ask of the outside world, and where they may go');
  egress
    .command('log')
    .description('show requests to the outside: who, where, what, how much, and what decided')
    .option('--follow', 'go on showing them as they come')
    .option('--denied', 'those that were refused alone')
    .option('--agent <name>', 'those of one agent alone')
    .addOption(linesOption('how many of the newest', 50))
    .option('--json', 'as lines of JSON')
    .action((options) =>
      run(async (context) => {
        const { egressLog } = await import('./egress-log.ts');
        return egressLog(context, options);
      }),
    );
  for (const verb of ['allow', 'deny'] as const) {
    egress
      .command(`${verb} <agent> <host>`)
      .description(
        verb === 'allow'
          ? 'let an agent reach a host: api.example.com, *.example.com, with :port if not 443 or 80'
          : 'take a host from what an agent may reach',
      )
      .action((agent, host) =>
        run(async (context) => {
          const { egressChange } = await import('./egress-change.ts');
          return egressChange(context, verb, agent, host);
        }),
      );
  }
}
