import type { CatalogProvider } from '@openlegion/contract/catalog';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { CommandContext } from '../command-context.ts';
import { notRunning } from '../control/control-client.ts';
import { runningSupervisor } from '../supervisor/supervisor-file.ts';
import { configuredBaseUrls, credentialBindings } from '../vault-admin/credential-bindings.ts';
import { fetchProviders } from '../vault-admin/provider-list.ts';
import { runVaultAdmin } from '../vault-admin/run-vault-admin.ts';

const FULL_NAME = /^OPENLEGION_(?:SYSTEM|CRED)_[A-Z0-9_]{1,100}$/;

/** The id of a provider stands for its key; anything else must be a full name. */
export function credentialName(name: string, providers: readonly CatalogProvider[]): string {
  if (FULL_NAME.test(name)) return name;
  const provider = providers.find(({ id }) => id === name);
  if (provider?.auth) return provider.auth.credential;
  throw new OpenLegionError({
    code: 'bad_request',
    rule: 'cli.vault.name',
    message: provider
      ? `${provider.name} takes no key.`
      : `${JSON.stringify(name)} is not the name of a credential.`,
    remedy:
      'Give a provider (openai) or a full name: OPENLEGION_SYSTEM_… for a provider, OPENLEGION_CRED_… for a tool.',
  });
}

/**
 * The value is read by the vault's own program, from the terminal or standard input: it is in no argument and
 * never in this process.
 */
export async function vaultAdd(context: CommandContext, name: string, origins: string[]): Promise<number> {
  const { run } = requireRunning(context);
  const providers = await fetchProviders(run);
  const credential = credentialName(name, providers);
  const known = credentialBindings(providers, configuredBaseUrls(context.home)).get(credential) ?? [];
  const bound = origins.length > 0 ? origins : known;
  if (bound.length === 0) {
    throw new OpenLegionError({
      code: 'bad_request',
      rule: 'cli.vault.origin',
      message: `It is not known where ${credential} may be sent, and a credential without a place is never released.`,
      remedy: `Name the place: ./openlegion vault add ${name} --origin https://api.example.com`,
    });
  }
  return runVaultAdmin(['add', credential, '--run', run, ...bound.flatMap((origin) => ['--origin', origin])]);
}

export async function vaultList(context: CommandContext, options: { json: boolean }): Promise<number> {
  const { run } = requireRunning(context);
  return runVaultAdmin(['list', '--run', run, ...(options.json ? ['--json'] : [])]);
}

export async function vaultRemove(context: CommandContext, name: string): Promise<number> {
  const { run } = requireRunning(context);
  return runVaultAdmin(['remove', credentialName(name, await fetchProviders(run)), '--run', run]);
}

function requireRunning({ home }: CommandContext): { run: string } {
  const running = runningSupervisor(home);
  if (!running) throw notRunning(home);
  return running;
}
