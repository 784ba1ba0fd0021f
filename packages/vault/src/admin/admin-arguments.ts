import { parseArgs } from 'node:util';
import { VaultError } from '../process/vault-error.ts';

/** Where a credential may go, as it was typed. */
export interface PlaceOptions {
  preset: string | null;
  hosts: string[];
  header: string | null;
  scheme: string | null;
  user: string | null;
  allow: string[];
  environment: string[];
  origins: string[];
}

export type AdminCommand = { run: string } & (
  | { command: 'add' | 'bind'; name: string; place: PlaceOptions }
  | { command: 'rotate' | 'remove'; name: string }
  | { command: 'show'; name: string; json: boolean }
  | { command: 'list'; json: boolean }
  | { command: 'rotate-key'; keyFile: string }
  | { command: 'export' | 'import'; file: string }
  | { command: 'import-env'; envFile: string; bindings: Map<string, string[]> }
  | { command: 'canaries'; prefix: string; count: number; origins: string[] }
  | { command: 'remove-canaries' | 'checkpoints' }
);

/** `presets` is the one command that needs no keeper. */
export type AdminCall = AdminCommand | { command: 'presets'; json: boolean };

export const USAGE = `Usage: vault-admin COMMAND --run DIR
  add NAME [PLACE]                       the value is read from the terminal, or from standard input
  bind NAME [PLACE]                      replaces where it may go
  rotate NAME                            a new value, for the same places
  remove NAME
  show NAME [--json]
  list [--json]
  presets [--json]
  rotate-key --key-file FILE
  export FILE
  import FILE
  import-env --env-file FILE --bindings-json '{"NAME": ["ORIGIN"]}'
  canaries --prefix PREFIX --count N --origin ORIGIN...
  remove-canaries
  checkpoints [--json]
PLACE: --origin ORIGIN... for a provider's key, or for a tool's
  --preset NAME, --host HOST..., --header NAME, --scheme bearer|token|basic|raw, --user NAME,
  --allow 'METHODS PATH'..., --env VARIABLE...
`;

const PLACE_OPTIONS = ['preset', 'host', 'header', 'scheme', 'user', 'allow', 'env', 'origin'];

/** Throws `bad_request`. A word too many is not repeated in the message: it may be a value given by mistake. */
export function parseAdminArguments(argv: readonly string[]): AdminCall {
  const { values, positionals } = parse(argv);
  const [command, ...rest] = positionals;
  const takes = (names: string[], words: number): void => {
    const given = Object.keys(values).filter((key) => key !== 'run');
    if (given.some((key) => !names.includes(key)) || rest.length !== words)
      throw wrong(
        `${command} takes ${words === 0 ? 'no name' : 'one name'}${names.map((name) => `, --${name}`).join('')}`,
      );
  };
  const json = values.json ?? false;
  if (command === 'presets') {
    takes(['json'], 0);
    return { command, json };
  }
  const run = values.run;
  if (!run) throw wrong('--run DIR is missing');
  const name = rest[0] ?? '';
  switch (command) {
    case 'add':
    case 'bind':
      takes(PLACE_OPTIONS, 1);
      return {
        command,
        run,
        name,
        place: {
          preset: values.preset ?? null,
          hosts: values.host ?? [],
          header: values.header ?? null,
          scheme: values.scheme ?? null,
          user: values.user ?? null,
          allow: values.allow ?? [],
          environment: values.env ?? [],
          origins: values.origin ?? [],
        },
      };
    case 'rotate':
    case 'remove':
      takes([], 1);
      return { command, run, name };
    case 'show':
      takes(['json'], 1);
      return { command, run, name, json };
    case 'list':
      takes(['json'], 0);
      return { command, run, json };
    case 'rotate-key':
      takes(['key-file'], 0);
      if (!values['key-file']) throw wrong('--key-file FILE is missing');
      return { command, run, keyFile: values['key-file'] };
    case 'export':
    case 'import':
      takes([], 1);
      return { command, run, file: name };
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
      return { command, run, prefix: values.prefix, count, origins: values.origin ?? [] };
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
  const one = { type: 'string' } as const;
  const many = { type: 'string', multiple: true } as const;
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...{ run: one, json: { type: 'boolean' } as const },
        ...{ preset: one, host: many, header: one, scheme: one, user: one, allow: many, env: many },
        ...{ origin: many, 'key-file': one, 'env-file': one, 'bindings-json': one, prefix: one, count: one },
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
