import type { Command } from 'commander';
import type { RunCommand } from '../command-context.ts';

/** `openlegion budget …` */
export function registerBudget(program: Command, run: RunCommand): void {
  const budget = program
    .command('budget')
    .description('show what may be spent, what was, and how much of it, for agents, teams and the fleet')
    .option('--json', 'as JSON')
    .action((options) =>
      run(async (context) => {
        const { budgetShow } = await import('./budget.ts');
        return budgetShow(context, { json: options.json === true });
      }),
    );
  budget
    .command('set <who>')
    .description('set limits of an agent, of team:NAME, or of the fleet, in the configuration')
    .option('--daily <usd>', 'US dollars a day, for example 2.50')
    .option('--monthly <usd>', 'US dollars a month')
    .option('--requests-per-minute <n>', 'model calls a minute (agents alone)')
    .option('--tokens-per-minute <n>', 'tokens a minute (agents alone)')
    .action((who, options) =>
      run(async (context) => {
        const { budgetSet } = await import('./budget-set.ts');
        return budgetSet(context, who, options);
      }),
    );
}
