import type { Command } from 'commander';
import type { RunCommand } from '../command-context.ts';

const EXAMPLES = `
Examples:
  permissions check researcher blackboard_write context/x
  permissions grant researcher can_message writer
  permissions grant researcher allowed_tools exec=ask      allow, ask or deny
  permissions grant researcher can_spawn                   a switch takes no entry
  permissions revoke researcher allowed_domains api.example.com
`;

/** `openlegion permissions …` */
export function registerPermissions(program: Command, run: RunCommand): void {
  const permissions = program
    .command('permissions')
    .description('what agents may do, which rule decides it, and who holds to it')
    .addHelpText('after', EXAMPLES);
  permissions
    .command('show [agent]')
    .description('what is in force, and whether the host side or only the agent itself holds to it')
    .option('--json', 'as JSON')
    .action((agent, options) =>
      run(async (context) => {
        const { permissionsShow } = await import('./permissions.ts');
        return permissionsShow(context, { agent, json: options.json === true });
      }),
    );
  permissions
    .command('check <agent> <permission> [key]')
    .description('what would be decided now, and by which rule; exit code 1 when it would be refused')
    .option('--json', 'as JSON')
    .action((agent, permission, key, options) =>
      run(async (context) => {
        const { permissionsCheck } = await import('./permissions.ts');
        return permissionsCheck(context, { agent, permission, key: key ?? '', json: options.json === true });
      }),
    );
  for (const verb of ['grant', 'revoke'] as const) {
    permissions
      .command(`${verb} <agent> <permission> [entry]`)
      .description(
        verb === 'grant'
          ? 'add an entry to config/permissions.json; in force at once'
          : 'take an entry out of config/permissions.json; in force at once',
      )
      .action((agent, permission, entry) =>
        run(async (context) => {
          const { permissionsChange } = await import('./permissions-change.ts');
          return permissionsChange(context, { verb, agent, permission, entry: entry ?? '' });
        }),
      );
  }
  permissions
    .command('diff')
    .description(
      'what the files in config/ would change against what is in force; exit code 1 when they would',
    )
    .option('--json', 'as JSON')
    .action((options) =>
      run(async (context) => {
        const { permissionsDiff } = await import('./permissions.ts');
        return permissionsDiff(context, { json: options.json === true });
      }),
    );
}
