import type { Command } from 'commander';
import type { RunCommand } from '../command-context.ts';

/** `openlegion approvals …` */
export function registerApprovals(program: Command, run: RunCommand): void {
  const approvals = program.command('approvals').description('what waits for a person, and the answer to it');
  approvals
    .command('list')
    .description('show what waits')
    .option('--all', 'also what was answered, expired or withdrawn')
    .option('--json', 'as JSON')
    .action((options) =>
      run(async (context) => (await import('./approvals.ts')).approvalsList(context, options)),
    );
  approvals
    .command('show <id>')
    .description('show the whole of what would run, invisible characters written out')
    .option('--json', 'as JSON')
    .action((id, options) =>
      run(async (context) => (await import('./approvals.ts')).approvalsShow(context, id, options)),
    );
  approvals
    .command('approve <id>')
    .description('let exactly what is shown run, once')
    .option('--hash <sha256>', 'of what was read; asked for where there is no terminal')
    .option('--note <text>', 'kept with the answer')
    .action((id, options) =>
      run(async (context) =>
        (await import('./approvals.ts')).approvalsAnswer(context, id, { ...options, approve: true }),
      ),
    );
  approvals
    .command('deny <id>')
    .description('say no')
    .option('--note <text>', 'told to whoever asked')
    .action((id, options) =>
      run(async (context) =>
        (await import('./approvals.ts')).approvalsAnswer(context, id, { ...options, approve: false }),
      ),
    );
}
