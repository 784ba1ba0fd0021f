/**
 * `openlegion vault …`: runs as a process of its own, on the terminal of the person, so that no third-party code is
 * in a process that sees a value. It speaks to the keeper alone.
 *
 * Exit codes: 0 done, 1 refused or failed, 2 wrong arguments, 3 something was left in the environment or `.env`,
 * 130 given up at the prompt.
 */
import { ReadStream } from 'node:tty';
import type { CredentialName } from '@openlegion/contract/keeper-protocol';
import { formatRule } from '../presets/parse-rule.ts';
import { loadPresets } from '../presets/preset.ts';
import { describeCrash } from '../process/crash-report.ts';
import { shortName } from '../process/credential-name.ts';
import { createKeeperClient, type KeeperClient, type KeeperOutcome } from '../process/keeper-client.ts';
import { socketPaths } from '../process/socket-paths.ts';
import { VaultError } from '../process/vault-error.ts';
import { type AdminCommand, parseAdminArguments, USAGE } from './admin-arguments.ts';
import { credentialArgument } from './credential-argument.ts';
import { type CredentialPlace, credentialPlace } from './credential-place.ts';
import { readExport, writeExport } from './export-file.ts';
import { formatCredential, formatCredentials, formatPresets, places } from './format-credentials.ts';
import { importEnvironment } from './import-env.ts';
import { readSecretFromStream, readSecretFromTerminal } from './read-secret.ts';
import { rotateKey } from './rotate-key.ts';

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

async function readSecret(prompt: string): Promise<string | null> {
  return process.stdin instanceof ReadStream && process.stdin.isTTY
    ? await readSecretFromTerminal(process.stdin, process.stderr, `${prompt} (not shown): `)
    : await readSecretFromStream(process.stdin);
}

/** Typed twice on a terminal, since what is mistyped here is lost; null when given up. */
async function readNewPassphrase(): Promise<string | null> {
  const first = await readSecret('Passphrase, at least 12 characters');
  if (first === null || !process.stdin.isTTY) return first;
  const second = await readSecret('The same again');
  if (second === null || first === second) return second;
  throw new VaultError({
    code: 'bad_request',
    rule: 'vault.passphrase',
    message: 'The two are not the same; nothing was written.',
    remedy: 'Try again.',
  });
}

async function findCredential(keeper: KeeperClient<'admin'>, name: string): Promise<CredentialName> {
  const { credentials } = expectDone(await keeper.call('names', {}));
  const found = credentials.find((credential) => credential.name === name);
  if (found) return found;
  throw new VaultError({
    code: 'not_found',
    rule: 'vault.name',
    message: `There is no ${name}.`,
    remedy: '`./openlegion vault list` shows what there is.',
  });
}

function printPlace(done: string, place: CredentialPlace): void {
  const where = places(place);
  print(`${done} It goes ${where.length > 0 ? `only to ${where.join(', ')}` : 'nowhere yet'}.`);
  for (const rule of new Set(place.bindings.flatMap(({ allow }) => allow.map(formatRule))))
    print(`  allows ${rule}`);
  if (place.environment.length > 0) print(`  placeholder in ${place.environment.join(', ')}`);
  if (place.note) print(`  ${place.note}`);
}

async function perform(command: AdminCommand, keeper: KeeperClient<'admin'>): Promise<number> {
  switch (command.command) {
    case 'add': {
      const name = credentialArgument(command.name);
      // Before the question: nobody is asked for a value that has no place to go.
      const place = credentialPlace(name, command.place, loadPresets());
      const value = await readSecret(`Value of ${name}`);
      if (value === null) return GIVEN_UP;
      const { origins, bindings, environment } = place;
      const stored = expectDone(await keeper.call('put', { name, value, origins, bindings, environment }));
      printPlace(`Stored ${stored.name}, version ${stored.version}.`, place);
      return 0;
    }
    case 'bind': {
      const name = credentialArgument(command.name);
      await findCredential(keeper, name);
      const place = credentialPlace(name, command.place, loadPresets());
      const { origins, bindings, environment } = place;
      const bound = expectDone(await keeper.call('bind', { name, origins, bindings, environment }));
      printPlace(`Bound ${bound.name}, version ${bound.version}.`, place);
      return 0;
    }
    case 'rotate': {
      const { name } = await findCredential(keeper, credentialArgument(command.name));
      const value = await readSecret(`New value of ${name}`);
      if (value === null) return GIVEN_UP;
      const stored = expectDone(await keeper.call('rotate', { name, value }));
      print(
        `Rotated ${stored.name}, version ${stored.version}. Placeholders of the old value mean nothing now.`,
      );
      return 0;
    }
    case 'remove': {
      const name = credentialArgument(command.name);
      const { removed } = expectDone(await keeper.call('remove', { name }));
      print(removed ? `Removed ${name}; what was open with it is closed.` : `There is no ${name}.`);
      return removed ? 0 : 1;
    }
    case 'show': {
      const found = await findCredential(keeper, credentialArgument(command.name));
      print(command.json ? JSON.stringify(found) : formatCredential(found));
      return 0;
    }
    case 'list': {
      const names = expectDone(await keeper.call('names', {}));
      print(command.json ? JSON.stringify(names) : formatCredentials(names.credentials));
      return 0;
    }
    case 'rotate-key':
      print(
        `The vault has a new key since ${await rotateKey(keeper, command.keyFile)}; the old one opens nothing.`,
      );
      return 0;
    case 'export': {
      const passphrase = await readNewPassphrase();
      if (passphrase === null) return GIVEN_UP;
      const { sealed, credentials } = expectDone(await keeper.call('export', { passphrase }));
      writeExport(command.file, sealed);
      print(`Wrote ${credentials} credentials to ${command.file}, sealed under the passphrase.`);
      return 0;
    }
    case 'import': {
      const sealed = readExport(command.file);
      const passphrase = await readSecret('Passphrase of the export');
      if (passphrase === null) return GIVEN_UP;
      const { names } = expectDone(await keeper.call('import', { passphrase, sealed }));
      print(names.length > 0 ? `Took over ${names.join(', ')}.` : 'There was nothing in it.');
      return 0;
    }
    case 'import-env': {
      const { envFile, bindings } = command;
      const presets = loadPresets();
      const { imported, left } = await importEnvironment({
        keeper,
        environment: process.env,
        envFile,
        bindings,
        presets,
      });
      for (const { name, preset, bound } of imported) {
        print(`Moved ${name} into the vault${preset ? `, for reading from ${preset}` : ''}.`);
        if (!bound)
          print(`  It goes nowhere yet: ./openlegion vault bind ${shortName(name)} --host api.example.com`);
      }
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
  if (command.command === 'presets') {
    const file = loadPresets();
    print(command.json ? JSON.stringify(file) : formatPresets(file));
    return 0;
  }
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
