import type { CatalogProvider } from '@openlegion/contract/catalog';
import { dataPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import type { CommandContext } from '../command-context.ts';
import { notRunning } from '../control/control-client.ts';
import { reloadConfiguration } from '../control/reload-configuration.ts';
import { runningSupervisor } from '../supervisor/supervisor-file.ts';
import { configuredBaseUrls, credentialBindings } from '../vault-admin/credential-bindings.ts';
import { fetchProviders } from '../vault-admin/provider-list.ts';
import { captureVaultAdmin, runVaultAdmin } from '../vault-admin/run-vault-admin.ts';

const FULL_NAME = /^OPENLEGION_(?:SYSTEM|CRED)_[A-Z0-9_]{1,100}$/;
const SHORT_NAME = /^[a-z][a-z0-9_-]{0,60}$/;

/** Where a credential may go, as typed. `origin` is for providers' keys, the rest for tools'. */
export interface VaultPlace {
  preset?: string;
  host?: string[];
  header?: string;
  scheme?: string;
  user?: string;
  allow?: string[];
  env?: string[];
  origin?: string[];
}

/** `github` → `OPENLEGION_CRED_GITHUB`, as the vault's own program names it. */
function toolName(short: string): string {
  return `OPENLEGION_CRED_${short.toUpperCase().replaceAll('-', '_')}`;
}

/** The names that a typed one can stand for: itself when whole, otherwise a provider's key, a tool's credential. */
export function candidateNames(typed: string, providers: readonly CatalogProvider[]): string[] {
  if (FULL_NAME.test(typed)) return [typed];
  const provider = providers.find(({ id }) => id === typed);
  return [
    ...(provider?.auth ? [provider.auth.credential] : []),
    ...(SHORT_NAME.test(typed) ? [toolName(typed)] : []),
  ];
}

/**
 * The value is read by the vault's own program, from the terminal or standard input: it is in no argument and
 * never in this process. Without a place, the name says it: a provider's key goes to the provider, and a preset of
 * that name is taken.
 */
export async function vaultAdd(context: CommandContext, typed: string, place: VaultPlace): Promise<number> {
  const { run } = requireRunning(context);
  const providers = await fetchProviders(run);
  const forTool = Object.entries(place).some(([option, value]) => option !== 'origin' && value !== undefined);
  const [first] = candidateNames(typed, providers);
  const name = forTool && SHORT_NAME.test(typed) ? toolName(typed) : first;
  if (!name) throw noName(typed);
  if (name.startsWith('OPENLEGION_CRED_')) {
    const chosen = forTool || place.origin ? place : { preset: typed };
    return changed(context, ['add', name, '--run', run, ...placeArguments(chosen)]);
  }
  const known = credentialBindings(providers, configuredBaseUrls(context.home)).get(name) ?? [];
  const origin = place.origin ?? known;
  if (origin.length === 0) {
    throw new OpenLegionError({
      code: 'bad_request',
      rule: 'cli.vault.origin',
      message: `It is not known where ${name} may be sent, and a credential without a place is never released.`,
      remedy: `Name the place: ./openlegion vault add ${typed} --origin https://api.example.com`,
    });
  }
  return runVaultAdmin(['add', name, '--run', run, ...placeArguments({ ...place, origin })]);
}

/** Replaces where a credential may go. */
export async function vaultBind(context: CommandContext, typed: string, place: VaultPlace): Promise<number> {
  const { run } = requireRunning(context);
  return changed(context, ['bind', await storedName(run, typed), '--run', run, ...placeArguments(place)]);
}

/** `rotate`, `remove` and `show`: what takes the name of a credential that is there. */
export async function vaultOne(
  context: CommandContext,
  command: 'rotate' | 'remove' | 'show',
  typed: string,
  options: { json: boolean } = { json: false },
): Promise<number> {
  const { run } = requireRunning(context);
  const json = options.json ? ['--json'] : [];
  const asked = [command, await storedName(run, typed), '--run', run, ...json];
  return command === 'show' ? runVaultAdmin(asked) : changed(context, asked);
}

export async function vaultList(context: CommandContext, options: { json: boolean }): Promise<number> {
  const { run } = requireRunning(context);
  return runVaultAdmin(['list', '--run', run, ...(options.json ? ['--json'] : [])]);
}

/** Needs nothing to run. */
export function vaultPresets(options: { json: boolean }): Promise<number> {
  return runVaultAdmin(['presets', ...(options.json ? ['--json'] : [])]);
}

export async function vaultRotateKey(context: CommandContext): Promise<number> {
  const { run } = requireRunning(context);
  return runVaultAdmin(['rotate-key', '--run', run, '--key-file', dataPaths(context.home).vaultKey]);
}

/** The passphrase is asked for, and the file written or read, by the vault's own program. */
export async function vaultFile(
  context: CommandContext,
  command: 'export' | 'import',
  file: string,
): Promise<number> {
  const { run } = requireRunning(context);
  const asked = [command, file, '--run', run];
  return command === 'export' ? runVaultAdmin(asked) : changed(context, asked);
}

/** Placeholders change with a credential: an agent that is awake is given the new ones, when it is idle. */
async function changed(context: CommandContext, asked: readonly string[]): Promise<number> {
  const code = await runVaultAdmin(asked);
  if (code !== 0) return code;
  try {
    await reloadConfiguration(context.home);
  } catch (error) {
    // The vault has it; only agents that are awake go on with what they were given.
    const why = error instanceof Error ? error.message : 'unknown';
    context.terminal.errorLine(`Agents that are awake get the new placeholders at their next start: ${why}`);
  }
  return code;
}

const Names = z.object({ credentials: z.array(z.object({ name: z.string() })) });

/** The stored credential that a typed name stands for. Throws `not_found`, or `bad_request` where it could be two. */
async function storedName(run: string, typed: string): Promise<string> {
  const candidates = candidateNames(typed, await fetchProviders(run));
  if (candidates.length === 0) throw noName(typed);
  const { code, stdout } = await captureVaultAdmin(['list', '--run', run, '--json']);
  const listed =
    code === 0 ? Names.parse(JSON.parse(stdout)).credentials.map(({ name }) => name) : candidates;
  const found = candidates.filter((name) => listed.includes(name));
  if (found.length === 1 && found[0]) return found[0];
  throw new OpenLegionError(
    found.length === 0
      ? {
          code: 'not_found',
          rule: 'cli.vault.name',
          message: `There is no ${candidates.join(' and no ')} in the vault.`,
          remedy: './openlegion vault list shows what there is.',
        }
      : {
          code: 'bad_request',
          rule: 'cli.vault.name',
          message: `${typed} stands for two credentials: ${found.join(', ')}.`,
          remedy: 'Give the whole name.',
        },
  );
}

/** What was typed is not repeated: a value given in the place of a name would be. */
function noName(typed: string): OpenLegionError {
  const provider = SHORT_NAME.test(typed);
  return new OpenLegionError({
    code: 'bad_request',
    rule: 'cli.vault.name',
    message: provider ? `${typed} takes no key.` : 'That is not the name of a credential.',
    remedy:
      'Give a provider (openai), a short name (github), or a whole one: OPENLEGION_SYSTEM_… for a provider, OPENLEGION_CRED_… for a tool. A value is asked for, never given as an argument.',
  });
}

function placeArguments(place: VaultPlace): string[] {
  return Object.entries(place).flatMap(([option, value]: [string, string | string[] | undefined]) =>
    (value === undefined ? [] : [value].flat()).flatMap((one) => [`--${option}`, one]),
  );
}

function requireRunning({ home }: CommandContext): { run: string } {
  const running = runningSupervisor(home);
  if (!running) throw notRunning(home);
  return running;
}
