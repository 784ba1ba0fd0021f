import { parseArgs } from 'node:util';
import { VaultError } from '../process/vault-error.ts';

export type AdminCommand =
  | { command: 'add'; run: string; name: string; origins: string[] }
  | { command: 'remove'; run: string; name: string }
  | { command: 'list'; run: string; json: boolean }
  | { command: 'import-env'; run: string; envFile: string; bindings: Map<string, string[]> }
  | { command: 'canaries'; run: string; prefix: string; count: number; origins: string[] }
  | { command: 'remove-canaries'; run: string }
  | { command: 'checkpoints'; run: string };

export const USAGE = `Usage: vault-admin COMMAND --run DIR
  add NAME --origin ORIGIN...            the value is read from the terminal, or from standard input
  remove NAME
  list [--json]
  import-env --env-file FILE --bindings-json '{"NAME": ["ORIGIN"]}'
  canaries --prefix PREFIX --count N --origin ORIGIN...
  remove-canaries
  checkpoints [--json]
`;

/** Throws `bad_request`. A word too many is not repeated in the message: it may be a value given by mistake. */
export function parseAdminArguments(argv: readonly string[]): AdminCommand {
  const { values, positionals } = parse(argv);
  const [command, ...rest] = positionals;
  const run = values.run;
  if (!run) throw wrong('--run DIR is missing');
  const origins = values.origin ?? [];
  const takes = (names: string[], words: number): void => {
    const given = Object.keys(values).filter((key) => key !== 'run');
    if (given.some((key) => !names.includes(key)) || rest.length !== words)
      throw wrong(
        `${command} takes ${words === 0 ? 'no name' : 'one name'}${names.map((name) => `, --${name}`).join('')}`,
      );
  };
  switch (command) {
    case 'add':
      takes(['origin'], 1);
      return { command, run, name: rest[0] ?? '', origins };
    case 'remove':
      takes([], 1);
      return { command, run, name: rest[0] ?? '' };
    case 'list':
      takes(['json'], 0);
      return { command, run, json: values.json ?? false };
    case 'import-env':
      takes(['env-file', 'bindings-json'], 0);
      if (!values['env-file']) throw wrong('--env-file FILE is missing');
      return {
        command,
        run,
        envFile: values['env-file'],
        bindings: parseBindings(values['bindings-json'] ?? '{}'),
      };
    case 'canaries': {
      takes(['prefix', 'count', 'origin'], 0);
      const count = Number(values.count);
      if (!values.prefix || !Number.isInteger(count)) throw wrong('--prefix and a whole --count are missing');
      return { command, run, prefix: values.prefix, count, origins };
    }
    case 'remove-canaries':
      takes([], 0);
      return { command, run };
    case 'checkpoints':
      takes(['json'], 0);
      return { command, run };
    default:
      throw wrong('there is no such command');
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        run: { type: 'string' },
        origin: { type: 'string', multiple: true },
        json: { type: 'boolean' },
        'env-file': { type: 'string' },
        'bindings-json': { type: 'string' },
        prefix: { type: 'string' },
        count: { type: 'string' },
      },
    });
  } catch {
    throw wrong('an option is not known or has no value');
  }
}

function parseBindings(json: string): Map<string, string[]> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw wrong('--bindings-json is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong('--bindings-json is not an object');
  return new Map(
    Object.entries(value).map(([name, origins]) => {
      if (!Array.isArray(origins) || !origins.every((origin): origin is string => typeof origin === 'string'))
        throw wrong('--bindings-json is not an object of lists of origins');
      return [name, origins];
    }),
  );
}

function wrong(what: string): VaultError {
  return new VaultError({
    code: 'bad_request',
    rule: 'vault.arguments',
    message: `Wrong arguments: ${what}.`,
    remedy: 'A value is never given as an argument: it is asked for, or read from standard input.',
  });
}
