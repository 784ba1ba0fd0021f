/**
 * `openlegion vault …`: runs as a process of its own, on the terminal of the person, so that no third-party code is
 * in a process that sees a value. It speaks to the keeper alone.
 *
 * Exit codes: 0 done, 1 refused or failed, 2 wrong arguments, 3 something was left in the environment or `.env`,
 * 130 given up at the prompt.
 */
import { ReadStream } from 'node:tty';
import { describeCrash } from '../process/crash-report.ts';
import { createKeeperClient, type KeeperClient, type KeeperOutcome } from '../process/keeper-client.ts';
import { socketPaths } from '../process/socket-paths.ts';
import { VaultError } from '../process/vault-error.ts';
import { type AdminCommand, parseAdminArguments, USAGE } from './admin-arguments.ts';
import { formatCredentials } from './format-credentials.ts';
import { importEnvironment } from './import-env.ts';
import { readSecretFromStream, readSecretFromTerminal } from './read-secret.ts';

const CONNECT_MS = 5000;
const GIVEN_UP = 130;

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain({ message, remedy }: { message: string; remedy: string }): void {
  process.stderr.write(`${message}\n${remedy}\n`);
}

/** The result, or the refusal on its way to the one place that shows it. */
function expectDone<T>(outcome: KeeperOutcome<T>): T {
  if (!outcome.ok) throw new VaultError(outcome.refusal);
  return outcome.result;
}

async function readSecret(name: string): Promise<string | null> {
  return process.stdin instanceof ReadStream && process.stdin.isTTY
    ? await readSecretFromTerminal(process.stdin, process.stderr, `Value of ${name} (not shown): `)
    : await readSecretFromStream(process.stdin);
}

async function perform(command: AdminCommand, keeper: KeeperClient<'admin'>): Promise<number> {
  switch (command.command) {
    case 'add': {
      const value = await readSecret(command.name);
      if (value === null) return GIVEN_UP;
      const { name, origins } = command;
      const stored = expectDone(await keeper.call('put', { name, value, origins, bindings: [], environment: [] }));
      print(
        `Stored ${stored.name}, version ${stored.version}. It goes ${origins.length ? `only to ${origins.join(', ')}` : 'nowhere yet'}.`,
      );
      return 0;
    }
    case 'remove': {
      const { removed } = expectDone(await keeper.call('remove', { name: command.name }));
      print(removed ? `Removed ${command.name}.` : `There is no ${command.name}.`);
      return removed ? 0 : 1;
    }
    case 'list': {
      const names = expectDone(await keeper.call('names', {}));
      print(command.json ? JSON.stringify(names) : formatCredentials(names.credentials));
      return 0;
    }
    case 'import-env': {
      const { envFile, bindings } = command;
      const { imported, left } = await importEnvironment({
        keeper,
        environment: process.env,
        envFile,
        bindings,
      });
      for (const name of imported) print(`Moved ${name} into the vault.`);
      for (const { name, refusal } of left)
        complain({ ...refusal, message: `Left ${name} where it is. ${refusal.message}` });
      return left.length === 0 ? 0 : 3;
    }
    case 'canaries': {
      const { prefix, count, origins } = command;
      print(JSON.stringify(expectDone(await keeper.call('canaries', { prefix, count, origins }))));
      return 0;
    }
    case 'remove-canaries':
      print(JSON.stringify(expectDone(await keeper.call('removeCanaries', {}))));
      return 0;
    case 'checkpoints':
      print(JSON.stringify(expectDone(await keeper.call('checkpoints', {}))));
      return 0;
  }
}

async function main(): Promise<number> {
  const command = parseAdminArguments(process.argv.slice(2));
  const keeper = createKeeperClient({
    role: 'admin',
    socketPath: socketPaths(command.run).keeperAdmin,
    reconnect: false,
  });
  try {
    await keeper.connected(AbortSignal.timeout(CONNECT_MS));
    return await perform(command, keeper);
  } finally {
    keeper.close();
  }
}

function crash(error: unknown): void {
  process.stderr.write(`${describeCrash(error)}\n`);
  process.exit(1);
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof VaultError)) throw error;
  complain(error);
  if (error.rule === 'vault.arguments') process.stderr.write(`\n${USAGE}`);
  process.exitCode = error.rule === 'vault.arguments' ? 2 : 1;
}
