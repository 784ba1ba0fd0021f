import { type Command, Option } from 'commander';
import type { RunCommand } from '../command-context.ts';

/** `openlegion vault …` */
export function registerVault(program: Command, run: RunCommand): void {
  const vault = program.command('vault').description('credentials: names are listed, values never shown');
  const commands = () => import('./vault.ts');

  withPlace(vault.command('add <name>'))
    .description('add or replace a credential; the value is read from the terminal, or from standard input')
    .option(
      '--origin <url...>',
      "for a provider's key: where it may be sent (default: the provider's address)",
    )
    .addHelpText('after', ADD_HELP)
    .action((name, options) => run(async (context) => (await commands()).vaultAdd(context, name, options)));
  withPlace(vault.command('bind <name>'))
    .description('replace where a credential may go, and for what')
    .option('--origin <url...>', "for a provider's key: where it may be sent")
    .action((name, options) => run(async (context) => (await commands()).vaultBind(context, name, options)));
  vault
    .command('list')
    .description('list the names, where they may go, and when they were last used')
    .option('--json', 'as JSON')
    .action((options) =>
      run(async (context) => (await commands()).vaultList(context, { json: options.json === true })),
    );
  vault
    .command('show <name>')
    .description('show everything about a credential but its value')
    .option('--json', 'as JSON')
    .action((name, options) =>
      run(async (context) =>
        (await commands()).vaultOne(context, 'show', name, { json: options.json === true }),
      ),
    );
  vault
    .command('rotate <name>')
    .description('give a credential a new value; old placeholders mean nothing afterwards')
    .action((name) => run(async (context) => (await commands()).vaultOne(context, 'rotate', name)));
  vault
    .command('remove <name>')
    .description('remove a credential: the next request goes without, what is open with it is closed')
    .action((name) => run(async (context) => (await commands()).vaultOne(context, 'remove', name)));
  vault
    .command('presets')
    .description('show the services whose places, headers and reading are known')
    .option('--json', 'as JSON')
    .action((options) => run(async () => (await commands()).vaultPresets({ json: options.json === true })));
  vault
    .command('rotate-key')
    .description('give the sealed store a new key')
    .action(() => run(async (context) => (await commands()).vaultRotateKey(context)));
  vault
    .command('export <file>')
    .description('write all credentials to a file, sealed under a passphrase')
    .action((file) => run(async (context) => (await commands()).vaultFile(context, 'export', file)));
  vault
    .command('import <file>')
    .description('take over the credentials of an export')
    .action((file) => run(async (context) => (await commands()).vaultFile(context, 'import', file)));
}

const ADD_HELP = `
A name is a model provider (openai), a short name for tools (github), or a whole one (OPENLEGION_CRED_GITHUB).
  ./openlegion vault add openai
  ./openlegion vault add github --preset github
  ./openlegion vault add jira --preset jira --host acme.atlassian.net --user me@acme.example
  ./openlegion vault add crm --host api.crm.example --header x-api-key --allow 'GET,HEAD /v2/**' --env CRM_KEY
Then grant it: allowed_credentials in config/permissions.json.`;

function withPlace(command: Command): Command {
  return command
    .option('--preset <name>', 'a service that is known (see: vault presets)')
    .option('--host <host...>', 'where it may be sent: api.example.com, *.example.com, with :port if not 443')
    .option('--header <name>', 'the header that carries it (default: authorization)')
    .addOption(new Option('--scheme <scheme>', 'how it stands there: bearer, token, basic, or raw'))
    .option('--user <name>', 'the user name of basic')
    .option('--allow <rule...>', "what it is for: 'METHODS PATH', for example 'GET,HEAD /v2/**'")
    .option('--env <variable...>', 'the variable that holds its placeholder in the containers');
}
