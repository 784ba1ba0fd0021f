import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';

/**
 * The installation that a command is about: `--home`, the home that `--config PATH` lies in, `$OPENLEGION_HOME`,
 * or the clone. Throws `bad_request` for a `--config` that is not `HOME/config` or a file in it.
 */
export function resolveHome(options: {
  home?: string | undefined;
  config?: string | undefined;
  environment: NodeJS.ProcessEnv;
  root: string;
  cwd: string;
}): string {
  if (options.home) return resolve(options.cwd, options.home);
  if (options.config) {
    const path = resolve(options.cwd, options.config);
    const directory = basename(path) === 'config' ? path : dirname(path);
    if (basename(directory) !== 'config' || !existsSync(path)) {
      throw new OpenLegionError({
        code: 'bad_request',
        rule: 'cli.config',
        message: `${path} ${existsSync(path) ? 'is not in a directory named "config"' : 'does not exist'}.`,
        remedy: 'Name the mesh.yaml of an installation, for example --config /srv/fleet/config/mesh.yaml.',
      });
    }
    return dirname(directory);
  }
  const fromEnvironment = options.environment.OPENLEGION_HOME;
  return fromEnvironment ? resolve(options.cwd, fromEnvironment) : options.root;
}

/** Takes `--home PATH` and `--home=PATH` out of the arguments wherever they stand (before a `--`). */
export function takeHomeOption(argv: readonly string[]): { home: string | undefined; rest: string[] } {
  const rest: string[] = [];
  let home: string | undefined;
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? '';
    if (argument === '--') return { home, rest: [...rest, ...argv.slice(index)] };
    // Without a value it is left to be refused with the rest.
    if (argument === '--home' && index + 1 < argv.length) {
      home = argv[index + 1];
      index += 1;
    } else if (argument.startsWith('--home=')) home = argument.slice('--home='.length);
    else rest.push(argument);
  }
  return { home, rest };
}
