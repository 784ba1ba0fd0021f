import { Role } from '@openlegion/contract/control-caller';
import { type Command, Option } from 'commander';
import type { RunCommand } from '../command-context.ts';

/** `openlegion token …` */
export function registerToken(program: Command, run: RunCommand): void {
  const token = program
    .command('token')
    .description('tokens for people, with a role each: viewer < operator < approver < admin');
  token
    .command('create <name>')
    .description('make a token; it is shown once')
    .addOption(new Option('--role <role>', 'what it may do').choices(Role.options).makeOptionMandatory())
    .option('--expires <time>', 'for example 8h, 30d or 2027-01-31; otherwise until it is revoked')
    .option('--json', 'as JSON')
    .action((name, options) =>
      run(async (context) => {
        const { tokenCreate } = await import('./token.ts');
        return tokenCreate(context, { name, ...options });
      }),
    );
  token
    .command('list')
    .description('who has one')
    .option('--json', 'as JSON')
    .action((options) =>
      run(async (context) => {
        const { tokenList } = await import('./token.ts');
        return tokenList(context, { json: options.json === true });
      }),
    );
  token
    .command('revoke <name>')
    .description('end a token, and the streams it opened, at once')
    .action((name) =>
      run(async (context) => {
        const { tokenRevoke } = await import('./token.ts');
        return tokenRevoke(context, name);
      }),
    );
}
